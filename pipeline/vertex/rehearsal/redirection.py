"""What would write elsewhere than here, and what a rehearsal does instead.

Every folder is given to the tasks by its address, file:///..., as a bucket's are on
Vertex: what TensorFlow and TFX read works there, too, and what Python's own file
functions would read fails here already.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline import files
from pipeline.code import packages
from pipeline.config.config import Config
from pipeline.errors import UsageError


def kept_here(config: Config) -> Config:
    """The configuration whose job writes to no bucket and no service of Vertex AI.

    Raises:
      UsageError: its output root is a bucket.
    """
    if "://" in config.output_root:
        raise UsageError(
            f"output_root: {config.output_root} is a bucket; a rehearsal writes to a "
            "folder: --set output_root=DIR"
        )
    changed: dict[str, object] = {
        "output_root": _address(config.output_root),
        "push": config.push.model_copy(update={"path": _folder(config.push.path)}),
        "data": config.data.model_copy(update={"path": _address(config.data.path)}),
        "validation": config.validation.model_copy(
            update={"baseline_statistics": _baseline(config)}
        ),
    }
    if config.vertex:
        nothing = {"model": None, "experiment": None, "tensorboard": None}
        changed["vertex"] = config.vertex.model_copy(
            update={**nothing, "endpoint": None}
        )
    return config.model_copy(update=changed)


def notes(config: Config) -> Iterator[str]:
    """What a rehearsal of the configuration does otherwise, a line for each."""
    vertex, here = config.vertex, files.folder(kept_here(config).serving_path)
    if config.serving_path != str(here):
        yield f"push.path: a rehearsal pushes to {here}, not to {config.serving_path}"
    if vertex and vertex.model:
        yield f"vertex.model: a rehearsal registers in {here}, not in Vertex AI"
    if vertex and vertex.endpoint and vertex.endpoint.deploy_candidate:
        yield "vertex.endpoint: a rehearsal deploys nothing"
    if vertex and vertex.experiment:
        yield "vertex.experiment: a rehearsal writes nothing into it"
    if people := _people(config):
        yield f"notifications.channels: a rehearsal notifies {', '.join(people)}, too"


def written(config: Config) -> tuple[str, ...]:
    """The folders of this machine that stand for buckets; they are made.

    Raises:
      UsageError: one cannot be written.
    """
    folders = (config.output_root, config.push.path)
    here = tuple(each for each in folders if each and "://" not in each)
    for folder in here:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    return here


def read(config: Config) -> tuple[str, ...]:
    """The files and folders of this machine that stand for what tasks only read."""
    paths = (config.data.path, config.validation.baseline_statistics)
    return tuple(path for path in paths if path and "://" not in path)


def _folder(path: str | None) -> str | None:
    """None, which is OUTPUT_ROOT's own, in place of a bucket."""
    return None if path is None or "://" in path else _address(path)


def _baseline(config: Config) -> str | None:
    path = config.validation.baseline_statistics
    return None if path is None else _address(path)


def _address(path: str) -> str:
    """The file's address; what lies in a package is in the image, and stays a path."""
    inside = "://" in path or packages.reference(path) != path
    return path if inside else f"file://{path}"


def _people(config: Config) -> list[str]:
    """The channels that leave this machine."""
    channels = config.notifications.channels.items()
    return sorted(name for name, each in channels if each.kind not in ("log", "file"))
