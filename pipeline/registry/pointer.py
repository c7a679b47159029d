"""models.config: who is served, in the words that TensorFlow Serving itself reads.

The champion is served under the pipeline's name, and alone there: a request that names
no version gets the highest one that is loaded, so a candidate beside it would take all.
The candidate is served under NAME-candidate. There are no version labels: TensorFlow
Serving takes a label only for a version that is loaded already, so between two polls a
label would point to a version that is gone.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from pipeline import files
from pipeline.errors import UsageError

FILE = "models.config"
_MOVE = re.compile(r"^# move: (\S+)$", re.MULTILINE)
_SERVED = re.compile(r'name: "([^"]+)".*?versions: (\d+)', re.DOTALL)

_HEAD = """\
# TensorFlow Serving's --model_config_file, written by Millrace: `model promote` and
# `model rollback` change what is served. A change by hand says neither who nor why.
"""
_SERVE = """\
  config {{
    name: {name}
    base_path: {path}
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: {number} }} }}
  }}
"""


@dataclasses.dataclass(frozen=True)
class Pointer:
    """What the file says; '' is nobody."""

    champion: str = ""
    candidate: str = ""
    move: str = ""
    """The id of the move that it took effect with."""


def read(folder: Path, name: str) -> Pointer:
    """The pointer of the model with that name; before the first one, nobody.

    Raises:
      UsageError: the file is there, and is not one of ours.
    """
    file = folder / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Pointer()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    served = dict(_SERVED.findall(text))
    move = _MOVE.search(text)
    if move is None or not set(served) <= {name, f"{name}-candidate"}:
        raise UsageError(
            f"{file}: was not written by `model promote` for {name}. Move it away, and "
            "promote the version that shall serve"
        )
    return Pointer(served.get(name, ""), served.get(f"{name}-candidate", ""), move[1])


def text(pointer: Pointer, name: str, base_path: str) -> str:
    """The file's content.

    Args:
      pointer: what it shall say.
      name: of the model.
      base_path: the folder of the versions, as the model server sees it.
    """
    served = {name: pointer.champion, f"{name}-candidate": pointer.candidate}
    configs = "".join(
        _SERVE.format(
            name=json.dumps(model),
            path=json.dumps(base_path, ensure_ascii=False),
            number=number,
        )
        for model, number in served.items()
        if number
    )
    move = f"# move: {pointer.move}\n"
    return f"{_HEAD}{move}model_config_list {{\n{configs}}}\n"


def replace(folder: Path, content: str) -> None:
    """Puts the file in the place of the old one: a reader gets one of them, whole."""
    files.write_bytes(folder / FILE, content.encode())
