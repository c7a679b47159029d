"""What could not be sent: a file for each channel under the run's folder.

    RUN/outbox/CHANNEL.json       waits
    RUN/outbox/CHANNEL.sending    somebody is at it, or was when the process died
    RUN/outbox/sent/CHANNEL.json  went out with a flush

Taking a message is a rename, so two flushes never send the same one. One that was cut
off in the middle of sending may have arrived: it is shown, and not sent again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.notifications import files
from pipeline.notifications.channels import Parcel

FOLDER = "outbox"
_WAITING, _SENDING = ".json", ".sending"


@dataclasses.dataclass(frozen=True)
class Waiting:
    """A message that has not gone out."""

    file: Path
    channel: str
    parcel: Parcel
    error: str
    not_before: float | None

    @property
    def run_id(self) -> str:
        """Whose message it is."""
        return self.parcel.run_id


def keep(
    run_folder: Path,
    channel: str,
    parcel: Parcel,
    error: str,
    not_before: float | None = None,
) -> None:
    """Puts the message away for a later flush.

    Raises:
      OSError: the folder cannot be written.
    """
    values = {
        "channel": channel,
        "error": error,
        "not_before": not_before,
        "parcel": parcel.to_dict(),
    }
    files.write_json(run_folder / FOLDER / f"{channel}{_WAITING}", values)


def waiting(runs: Path) -> Iterator[Waiting]:
    """All that waits, oldest run first."""
    for file in sorted(runs.glob(f"*/{FOLDER}/*{_WAITING}")):
        values = _read(file)
        if values:
            yield Waiting(
                file=file,
                channel=values["channel"],
                parcel=Parcel.from_dict(values["parcel"]),
                error=values["error"],
                not_before=values["not_before"],
            )


def cut_off(runs: Path) -> list[Path]:
    """Messages that somebody was sending when the process died."""
    return sorted(runs.glob(f"*/{FOLDER}/*{_SENDING}"))


def withdraw(run_folder: Path, channel: str) -> None:
    """Takes back a message that arrived after all."""
    (run_folder / FOLDER / f"{channel}{_WAITING}").unlink(missing_ok=True)


def take(message: Waiting) -> Path | None:
    """Claims the message; None when another flush was faster."""
    claimed = message.file.with_suffix(_SENDING)
    try:
        message.file.rename(claimed)
    except FileNotFoundError:
        return None
    return claimed


def sent(claimed: Path) -> None:
    """Puts a message that went out among the sent ones."""
    done = claimed.parent / "sent" / claimed.with_suffix(_WAITING).name
    done.parent.mkdir(exist_ok=True)
    claimed.replace(done)


def put_back(claimed: Path, message: Waiting, error: str) -> None:
    """Lets a message wait again."""
    keep(
        claimed.parent.parent,
        message.channel,
        message.parcel,
        error,
        message.not_before,
    )
    claimed.unlink()


def _read(file: Path) -> dict[str, Any] | None:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
