"""What an artifact's files hold, on a disk or in a bucket, kept with it in MLMD."""

from __future__ import annotations

from tfx import types
from tfx.dsl.io import fileio

from pipeline import content, recorded


def describe(artifact: types.Artifact, folder: str | None = None) -> None:
    """Records size and SHA-256 of each file of the artifact, and the digest over all.

    Args:
      artifact: gets the properties of `recorded.Payload`.
      folder: where the files are; default: at the artifact's URI.
    """
    found = content.of_folder(folder or artifact.uri, fileio.walk, fileio.open)
    artifact.set_string_custom_property(recorded.Payload.CONTENT, content.text(found))
    artifact.set_string_custom_property(recorded.Payload.DIGEST, content.digest(found))
