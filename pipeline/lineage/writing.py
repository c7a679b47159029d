"""The few answers that mend a store write through MLMD's own library."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from ml_metadata import metadata_store

_ANYBODY = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def opened(path: str, who: str) -> metadata_store.MetadataStore:
    """The SQLite store, to be written.

    Args:
      path: of the file.
      who: wants to write, for the error.

    Raises:
      UsageError: it is read-only; for root too, whom the kernel would let.
    """
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    if not (os.access(path, os.W_OK) and os.stat(path).st_mode & _ANYBODY):
        raise UsageError(
            f"{path} is read-only, and {who} has to write it. Nothing was changed"
        )
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = path
    return metadata_store.MetadataStore(connection)
