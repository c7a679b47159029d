"""What would write elsewhere than here, and what a rehearsal does instead."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.config.config import Config


def kept_here(config: Config) -> Config:
    """The configuration whose job writes to no bucket and no service of Vertex AI."""
    push = config.push.model_copy(update={"path": _folder(config.push.path)})
    changed: dict[str, object] = {"push": push}
    if config.vertex:
        nothing = {"model": None, "experiment": None, "tensorboard": None}
        changed["vertex"] = config.vertex.model_copy(
            update={**nothing, "endpoint": None}
        )
    return config.model_copy(update=changed)


def notes(config: Config) -> Iterator[str]:
    """What a rehearsal of the configuration does otherwise, a line for each."""
    vertex, here = config.vertex, kept_here(config).serving_path
    if config.serving_path != here:
        yield f"push.path: a rehearsal pushes to {here}, not to {config.serving_path}"
    if vertex and vertex.model:
        yield f"vertex.model: a rehearsal registers in {here}, not in Vertex AI"
    if vertex and vertex.endpoint and vertex.endpoint.deploy_candidate:
        yield "vertex.endpoint: a rehearsal deploys nothing"
    if vertex and vertex.experiment:
        yield "vertex.experiment: a rehearsal writes nothing into it"
    if people := _people(config):
        yield f"notifications.channels: a rehearsal notifies {', '.join(people)}, too"


def _folder(path: str | None) -> str | None:
    """None, which is OUTPUT_ROOT's own, in place of a bucket."""
    return None if path and "://" in path else path


def _people(config: Config) -> list[str]:
    """The channels that leave this machine."""
    channels = config.notifications.channels.items()
    return sorted(name for name, each in channels if each.kind not in ("log", "file"))
