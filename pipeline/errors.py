"""Every error a user may meet, factored out to avoid import loops.

MillraceError
├── UsageError            exit 2: the command, the configuration or the input folder
│   ├── ConfigError
│   └── BusyError         another run holds the output root
├── DataRefused           exit 3: ExampleGen or SchemaValidator refused the data
├── DataUnreadable        exit 1: a data file is damaged, or went away meanwhile
├── PushFailed            exit 5: the serving check or the push
├── StoreAway             exit 75: the metadata store's server does not answer now
├── Declined              exit 1: a person was asked, and said no
├── NotDelivered          exit 1 of `notify`; never changes what became of a run
├── CloudError            exit 2: a service of Google's said no
│   └── CloudUnavailable  exit 75: it is busy or away; the same may succeed later
└── NodeFailed            exit 1: a component failed
"""


# ruff: noqa: N818 (these are outcomes of a run, and named by the outcome)

from __future__ import annotations

import types
from collections.abc import Mapping


class MillraceError(Exception):
    """Base of all; its text is written for the person who reads it."""


class UsageError(MillraceError):
    """What was asked cannot be done; nothing was started."""


class ConfigError(UsageError):
    """The configuration is not valid."""


class BusyError(UsageError):
    """Another run holds the output root."""


class DataRefused(MillraceError):
    """The data does not fit the curated schema.

    Attributes:
      anomalies: split -> serialized tensorflow_metadata Anomalies, as evidence.
      not_numbers: columns that should hold finite numbers and do not.
    """

    def __init__(
        self,
        message: str,
        anomalies: Mapping[str, bytes] = types.MappingProxyType({}),
        not_numbers: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.anomalies = anomalies
        self.not_numbers = not_numbers


class DataUnreadable(MillraceError):
    """A data file cannot be read to its end."""


class PushFailed(MillraceError):
    """A blessed model could not be pushed; what serves now was not touched."""


class NodeFailed(MillraceError):
    """A component failed.

    Attributes:
      node: the component's id.
    """

    def __init__(self, node: str, message: str) -> None:
        super().__init__(message)
        self.node = node


class CloudError(MillraceError):
    """A service of Google's refused what was asked of it."""


class CloudUnavailable(CloudError):
    """A service of Google's is busy or away; the same may succeed later."""


class StoreAway(MillraceError):
    """The metadata store's server does not answer now; the same may succeed later."""


class Declined(MillraceError):
    """A person was asked, and said no; nothing was done."""


class NotDelivered(MillraceError):
    """A channel did not take a message; the text holds no secret.

    Attributes:
      transient: whether to try again soon.
      wait_s: how long the service asked to wait.
    """

    def __init__(self, message: str, transient: bool, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.transient = transient
        self.wait_s = wait_s
