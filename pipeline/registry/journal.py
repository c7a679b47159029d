"""moves.jsonl: every move with its actor and reason, written before it takes effect.

Each line knows the move that was in effect when it was written. So the moves that took
effect are those that lead back from the pointer's; one that a crash cut off leads
nowhere, and is never counted.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from pipeline import files
from pipeline.registry.versions import Move

FILE = "moves.jsonl"
_FIELDS = {field.name for field in dataclasses.fields(Move)} - {"finished"}


def append(folder: Path, move: Move, after: str) -> None:
    """Writes the move, and returns when it is on the disk.

    Args:
      folder: of the versions.
      move: with its id.
      after: the id of the move that is in effect now; '' is none.
    """
    entry = {name: getattr(move, name) for name in sorted(_FIELDS)} | {"after": after}
    files.append(folder / FILE, json.dumps(entry, ensure_ascii=False).encode())


def read(folder: Path, in_effect: str) -> list[Move]:
    """All moves, newest first, and whether they took effect.

    Args:
      folder: of the versions.
      in_effect: the id of the move that the pointer names; '' is none.
    """
    entries = _entries(folder)
    finished = set()
    while in_effect and in_effect not in finished:
        finished.add(in_effect)
        in_effect = entries.get(in_effect, {}).get("after", "")
    return [
        Move(
            **{key: value for key, value in entry.items() if key in _FIELDS},
            finished=move_id in finished,
        )
        for move_id, entry in reversed(entries.items())
    ]


def _entries(folder: Path) -> dict[str, dict]:
    try:
        lines = (folder / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        try:
            entry = json.loads(line)
            found[entry["id"]] = entry
        except (ValueError, KeyError, TypeError):
            continue  # the half of a line that a crash left
    return found
