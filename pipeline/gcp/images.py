"""A container image by its name, and whether its registry has it."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.gcp.rest import Rest

_NAME = re.compile(
    r"(?P<host>[\w.-]+(:\d+)?)/(?P<path>[\w./-]+?)"
    r"(:(?P<tag>[\w.-]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_KINDS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


@dataclasses.dataclass(frozen=True)
class Image:
    """HOST/PATH, with a tag or a digest."""

    host: str
    path: str
    reference: str
    """The digest if there is one, otherwise the tag."""

    @property
    def place(self) -> str:
        """Without tag and digest."""
        return f"{self.host}/{self.path}"

    @property
    def has_digest(self) -> bool:
        """Whether it means the same bytes for ever."""
        return self.reference.startswith("sha256:")


def parse(text: str) -> Image:
    """The image of that name.

    Raises:
      ValueError: it is none.
    """
    found = _NAME.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is not an image: expected HOST/PATH@sha256:DIGEST")
    reference = found["digest"] or found["tag"] or "latest"
    return Image(found["host"], found["path"], reference)


def digest_of(rest: Rest, image: Image) -> tuple[int, str]:
    """What the registry answers: status, and the digest if it has the image.

    Raises:
      CloudError: no answer at all.
    """
    # As Docker itself has it: a registry on loopback speaks HTTP.
    scheme = "http" if image.host.startswith("127.") else "https"
    url = f"{scheme}://{image.host}/v2/{image.path}/manifests/{image.reference}"
    answer = rest.send("HEAD", url, headers={"Accept": _KINDS})
    return answer.status_code, answer.headers.get("Docker-Content-Digest", "")
