"""Artifacts that lie in a bucket, copied here as far as somebody wants to read them."""

from __future__ import annotations

import tempfile
import urllib.parse
from concurrent import futures
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.errors import CloudError
from pipeline.gcp.rest import Rest, words_of

_AT_ONCE = 8


class Copies:
    """Copies that are gone at the end of the `with`."""

    def __enter__(self) -> Copies:
        self._folder = tempfile.TemporaryDirectory(prefix="millrace-")
        self._rest: Rest | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def folder(self, uri: str, part: str) -> str:
        """Where the files of a folder can be opened whose names begin with `part`.

        Args:
          uri: gs://BUCKET/NAME, which is copied; or a path.
          part: '' for all.

        Raises:
          CloudError: the bucket does not let this account read.
        """
        if not uri.startswith("gs://"):
            return uri
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        beginning = f"{name.rstrip('/')}/"
        here = Path(self._folder.name, bucket, beginning)
        names = self._names(bucket, beginning + part)
        with futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda each: self._copy(bucket, each), names))
        return str(here)

    def _copy(self, bucket: str, name: str) -> None:
        root = Path(self._folder.name, bucket)
        file = root / name
        # A name of a bucket may be any text; a file lies nowhere else.
        if name.endswith("/") or not file.resolve().is_relative_to(root.resolve()):
            return
        quoted = urllib.parse.quote(name, safe="")
        content = self._asked(f"b/{bucket}/o/{quoted}?alt=media").content
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def _names(self, bucket: str, beginning: str) -> list[str]:
        query = {"prefix": beginning, "fields": "items(name),nextPageToken"}
        names: list[str] = []
        while True:
            path = f"b/{bucket}/o?{urllib.parse.urlencode(query)}"
            page = self._asked(path).json()
            names += [item["name"] for item in page.get("items", ())]
            if not page.get("nextPageToken"):
                return names
            query["pageToken"] = page["nextPageToken"]

    def _asked(self, path: str) -> Any:
        self._rest = self._rest or Rest()
        answer = self._rest.get("storage", f"storage/v1/{path}")
        if answer.status_code != 200:
            bucket = path.split("/")[1]
            raise CloudError(
                f"read gs://{bucket}: {answer.status_code}: "
                f"{words_of(answer.json()) or answer.reason}. This account needs "
                "roles/storage.objectViewer there"
            )
        return answer


def first_in(rest: Rest, uri: str) -> tuple[int, Any]:
    """Status and JSON of a list of at most one object in a folder.

    Args:
      rest: asks.
      uri: gs://BUCKET or gs://BUCKET/FOLDER.

    Raises:
      CloudError: no answer at all.
    """
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    beginning = f"{name.rstrip('/')}/" if name.rstrip("/") else ""
    query = urllib.parse.urlencode({"prefix": beginning, "maxResults": 1})
    return rest.ask("storage", f"storage/v1/b/{bucket}/o?{query}")
