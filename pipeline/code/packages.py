"""Files inside installed packages, by a name that holds on every machine.

package:NAME/REST, as the configuration has it.
"""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path

from pipeline.code.fingerprint import PACKAGES
from pipeline.config import config as config_lib
from pipeline.config import layers
from pipeline.config.config import Config

_SCHEME = "package:"


def reference(path: str) -> str:
    """The path's name, if it lies in a package; else the path."""
    if "://" in path:
        return path
    for folder in (sysconfig.get_path("purelib"), config_lib.ROOT):
        try:
            inside = Path(path).resolve().relative_to(Path(folder).resolve())
        except ValueError:
            continue
        ours = inside.parts[:1] in [(package,) for package in PACKAGES]
        if ours or folder != config_lib.ROOT:
            return f"{_SCHEME}{inside.as_posix()}"
    return path


def portable(config: Config) -> Config:
    """The configuration as any clone of the project may load it, with the same meaning.

    What lies in an installed package is named by it, what lies in the project by its
    path in there.
    """
    values = dict(layers.leaves(config.model_dump(mode="json")))
    for key in config_lib.PATHS:
        path = values.get(key)
        if path is not None and "://" not in path:
            config = config_lib.with_value(config, key, _portable(path))
    return config


def _portable(path: str) -> str:
    if Path(path).is_relative_to(config_lib.ROOT) and not _is_installed(path):
        return str(Path(path).relative_to(config_lib.ROOT))
    return reference(path)


def _is_installed(path: str) -> bool:
    folder = Path(sysconfig.get_path("purelib"))
    return Path(path).resolve().is_relative_to(folder.resolve())


def found(invocation: str) -> str:
    """A task's invocation with the paths as they are on this machine.

    Args:
      invocation: JSON of ExecutorInput, as Vertex fills in {{$}}.

    Raises:
      ConfigError: the package is not installed here.
    """
    value = json.loads(invocation)
    given = value.get("inputs", {}).get("parameterValues", {})
    for name, text in given.items():
        if isinstance(text, str) and text.startswith(_SCHEME):
            inside = text.removeprefix(_SCHEME)
            given[name] = config_lib.in_package(inside, name, "the compiled job")
    return json.dumps(value)
