"""Names of Google's resources, held against the forms that Google documents.

Looked at when a configuration is read, so that a name of another form costs no job.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

import pydantic

_NAME = r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
_KEY_PART = r"[a-zA-Z0-9_-]{1,63}"
_PROJECT = r"[a-z0-9][-a-z0-9.:]*"
_REGION = r"[a-z]+(-[a-z]+)+\d{1,2}"


def _form(pattern: str, expected: str) -> Callable[[str], str]:
    whole = re.compile(pattern)

    def checked(text: str) -> str:
        if not whole.fullmatch(text):
            raise ValueError(f"expected {expected}")
        return text

    return checked


def _region(text: str) -> str:
    if re.fullmatch(rf"{_REGION}-[a-z]", text):
        raise ValueError(f"'{text}' is a zone; its region is '{text[:-2]}'")
    return _form(_REGION, "a region, such as europe-west4")(text)


def _network(text: str) -> str:
    project = re.fullmatch(rf"projects/({_PROJECT})/global/networks/{_NAME}", text)
    if project and not project[1].isdigit():
        raise ValueError(
            f"expected the project's number in place of '{project[1]}': gcloud "
            f"projects describe {project[1]} --format='value(projectNumber)'"
        )
    return _form(
        rf"projects/\d+/global/networks/{_NAME}",
        "projects/NUMBER/global/networks/NAME",
    )(text)


Region = Annotated[str, pydantic.AfterValidator(_region)]
Network = Annotated[str, pydantic.AfterValidator(_network)]
Name = Annotated[
    str,
    pydantic.AfterValidator(
        _form(
            _NAME,
            "a letter, then up to 62 lower-case letters, digits and dashes, the last "
            "one no dash",
        )
    ),
]
ServiceAccount = Annotated[
    str,
    pydantic.AfterValidator(
        _form(
            r"[a-z0-9][-a-z0-9.]*@([-a-z0-9.:]+\.)?gserviceaccount\.com",
            "the e-mail of a service account, such as "
            "NAME@PROJECT.iam.gserviceaccount.com",
        )
    ),
]
EncryptionKey = Annotated[
    str,
    pydantic.AfterValidator(
        _form(
            rf"projects/{_PROJECT}/locations/[-a-z0-9]+/keyRings/{_KEY_PART}"
            rf"/cryptoKeys/{_KEY_PART}",
            "projects/P/locations/L/keyRings/R/cryptoKeys/K, without a version",
        )
    ),
]
NetworkAttachment = Annotated[
    str,
    pydantic.AfterValidator(
        _form(
            rf"(projects/{_PROJECT}/regions/{_REGION}/networkAttachments/)?{_NAME}",
            "a network attachment: its name, or "
            "projects/P/regions/R/networkAttachments/NAME",
        )
    ),
]
Domain = Annotated[
    str,
    pydantic.AfterValidator(
        _form(r"([a-z0-9_-]+\.)+", "a domain with a dot at its end, such as corp.")
    ),
]


def location_of(resource: str) -> str | None:
    """The location or region in a resource's name; None where it has none."""
    found = re.search(r"/(?:locations|regions)/([^/]+)/", resource)
    return found[1] if found else None
