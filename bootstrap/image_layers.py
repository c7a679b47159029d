"""Prints how large each layer of the image is, and what made it.

image_layers.py LAYERS.json < CONFIG.json

LAYERS.json is what buildah's storage knows of its layers, CONFIG.json what `buildah
inspect --type=image` says.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def sizes(
    image: dict[str, Any], layers: list[dict[str, Any]]
) -> Iterator[tuple[int, str]]:
    """Bytes of each layer, unpacked, and its instruction, the base's first.

    Args:
      image: as `buildah inspect --type=image` describes it.
      layers: of the storage.
    """
    known = {each.get("diff-digest"): each.get("diff-size", 0) for each in layers}
    config = image["OCIv1"]
    made = [each for each in config["history"] if not each.get("empty_layer")]
    for digest, step in zip(config["rootfs"]["diff_ids"], made, strict=True):
        yield known[digest], _instruction(step.get("created_by", ""))


def _instruction(created_by: str) -> str:
    """As the Dockerfile has it, on one line; '' for a base that was made by hand."""
    words = re.sub(r"^/bin/sh( -c( #\(nop\))?)? ?", "", created_by)
    return " ".join(re.sub(r"^(COPY|ADD) \w+:\w+ in", r"\1", words).split())


def main(file: str) -> int:
    """Prints a line a layer, and their sum."""
    layers = json.loads(Path(file).read_text(encoding="utf-8"))
    found = list(sizes(json.load(sys.stdin), layers))
    for size, instruction in found:
        print(f"{size / 1e6:8,.1f} MB  {instruction[:100] or 'base'}")
    print(f"{sum(size for size, _ in found) / 1e6:8,.1f} MB  in all")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
