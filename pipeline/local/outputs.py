"""What nodes put out: on the disk and recorded, and compared before it is used again.

TFX says COMPLETE of files that are still in the kernel's memory, and takes a result
from its cache when the folder exists, whatever is in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.metadata import payload
from pipeline.metadata.records import Properties
from pipeline.recorded import Payload, Pushed
from pipeline.registry import manifest

# TFX is imported by what a run alone does: "nothing changed" is told without it.

RECORDED = (
    *(Payload.CONTENT, Pushed.PUSHED, Pushed.DESTINATION, Pushed.MANIFEST),
    *(Pushed.SAME_AS, Pushed.REGISTERED),
)
"""Properties of an artifact by which `problem` finds it damaged."""


def problem(uri: str, recorded: Properties, thorough: bool) -> str:
    """Why it is not what was recorded; '' when nothing speaks against it.

    Args:
      uri: of the artifact.
      recorded: the artifact's properties, of RECORDED.
      thorough: read every byte; else look at names and sizes alone.
    """
    if not payload.exists(uri, recorded):
        return f"{uri} is gone"
    if payload.is_remote(uri):
        return ""
    try:
        difference = payload.difference(uri, recorded, thorough)
        return difference or _of_version(recorded, thorough)
    except OSError as error:
        return f"{uri} cannot be read: {error}"


def _of_version(recorded: Properties, thorough: bool) -> str:
    """The same of the version in the serving folder that the artifact stands for."""
    is_same = Pushed.SAME_AS in recorded
    place = Pushed.REGISTERED if is_same else Pushed.DESTINATION
    version = str(recorded.get(place, ""))
    if not version or payload.is_remote(version):
        return ""
    if is_same and manifest.read(Path(version)) is None:
        return f"{version} has no manifest that can be read"
    of_manifest = str(recorded.get(Pushed.MANIFEST, ""))
    return manifest.problem(Path(version), of_manifest, thorough)


def keep(output: Mapping[str, Sequence[Any]], of_executor: Any) -> None:
    """Syncs what a node put out, and gives each artifact what its files hold.

    Args:
      output: TFX's artifacts by key.
      of_executor: TFX's ExecutorOutput, whose artifacts are the ones that are
        published where it has them; or None.

    Raises:
      OSError: the disk does not take it.
    """
    from pipeline.components import payload as contents

    for key, artifacts in output.items():
        executed = of_executor.output_artifacts if of_executor else {}
        known = executed[key].artifacts if key in executed else []
        for number, artifact in enumerate(artifacts):
            payload.sync(artifact.uri)
            published = known[number] if number < len(known) else artifact.mlmd_artifact
            if Payload.CONTENT in published.custom_properties:
                continue
            if not payload.is_remote(artifact.uri):
                contents.describe(artifact)
                for name in (Payload.CONTENT, Payload.DIGEST):
                    value = artifact.get_string_custom_property(name)
                    published.custom_properties[name].string_value = value


@contextlib.contextmanager
def looked_at_first(thorough: bool, say: Callable[[str], None]) -> Iterator[None]:
    """While it is entered, TFX's cache gives nothing that is damaged.

    Args:
      thorough: as of `problem`.
      say: told what is damaged, one line.
    """
    from tfx.orchestration.portable import cache_utils

    theirs = cache_utils.get_cached_outputs

    def found(metadata_handle: Any, cache_context: Any) -> Any:
        while outputs := theirs(metadata_handle, cache_context):
            artifacts = [a.mlmd_artifact for group in outputs.values() for a in group]
            if not mark_damaged(metadata_handle.store, artifacts, thorough, say):
                return outputs
        return None

    cache_utils.get_cached_outputs = found
    try:
        yield
    finally:
        cache_utils.get_cached_outputs = theirs


def mark_damaged(
    store: Any, artifacts: Sequence[Any], thorough: bool, say: Callable[[str], None]
) -> bool:
    """Takes what is damaged out of use, and says on the artifact why.

    Args:
      store: MLMD's.
      artifacts: MLMD's, with their ids.
      thorough: as of `problem`.
      say: told what is damaged, one line.

    Returns:
      Whether any is.
    """
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    damaged = []
    for artifact in artifacts:
        recorded = {
            name: getattr(value, value.WhichOneof("value"))
            for name, value in artifact.custom_properties.items()
            if name in RECORDED
        }
        if why := problem(artifact.uri, recorded, thorough):
            say(f"damaged, so it is not taken from the cache: {why}")
            artifact.state = mlmd.Artifact.DELETED
            artifact.custom_properties[Payload.DAMAGED].string_value = why
            damaged.append(artifact)
    if damaged:
        store.put_artifacts(damaged)
    return bool(damaged)
