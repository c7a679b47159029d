"""What could not be sent: a file for each channel under the run's folder.

    RUN/outbox/CHANNEL-OUTCOME.json       waits
    RUN/outbox/CHANNEL-OUTCOME.sending    somebody is at it, or was when it died
    RUN/outbox/sent/CHANNEL-OUTCOME.json  went out with a flush

Taking a message is a rename, so two flushes never send the same one. One that was cut
off in the middle of sending may have arrived: it is shown, and not sent again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline import files
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
        """The run that the message is about."""
        return self.parcel.run_id


def keep(
    run_folder: Path,
    channel: str,
    parcel: Parcel,
    error: str,
    not_before: float | None = None,
    sending: bool = False,
) -> None:
    """Puts the message away for a later flush.

    Args:
      run_folder: of the run.
      channel: whom it is for.
      parcel: what it is.
      error: why it could not be sent.
      not_before: quiet hours end then (seconds since 1970).
      sending: somebody is still at it, so no flush may take it.

    Raises:
      OSError: the folder cannot be written.
    """
    suffix = _SENDING if sending else _WAITING
    values = _values(channel, parcel, error, not_before)
    files.write_json(_file(run_folder, channel, parcel, suffix), values)


def waiting(runs: Path) -> Iterator[Waiting]:
    """All that waits, oldest run first."""
    for file in sorted(runs.glob(f"*/{FOLDER}/*{_WAITING}")):
        values = files.read_json(file)
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


def arrived_late(run_folder: Path, channel: str, parcel: Parcel) -> None:
    """Takes back a message that was given up and arrived after all."""
    _file(run_folder, channel, parcel, _SENDING).unlink(missing_ok=True)


def failed_late(run_folder: Path, channel: str, parcel: Parcel) -> None:
    """Lets a message wait that was given up and did not arrive."""
    sending = _file(run_folder, channel, parcel, _SENDING)
    if sending.exists():
        files.rename(sending, _file(run_folder, channel, parcel, _WAITING))


def take(message: Waiting) -> Path | None:
    """Claims the message; None when another flush was faster."""
    claimed = message.file.with_suffix(_SENDING)
    try:
        files.rename(message.file, claimed)
    except FileNotFoundError:
        return None
    return claimed


def sent(claimed: Path) -> None:
    """Puts a message that went out among the sent ones."""
    done = claimed.parent / "sent" / claimed.with_suffix(_WAITING).name
    files.make_folder(done.parent)
    files.rename(claimed, done)


def put_back(claimed: Path, message: Waiting, error: str) -> None:
    """Lets a message wait again; a rename, so that there is never a second one."""
    values = _values(message.channel, message.parcel, error, message.not_before)
    files.write_json(claimed, values)
    files.rename(claimed, message.file)


def _file(run_folder: Path, channel: str, parcel: Parcel, suffix: str) -> Path:
    """That a run started and how it ended are two messages to one channel."""
    return run_folder / FOLDER / f"{channel}-{parcel.outcome.lower()}{suffix}"


def _values(
    channel: str, parcel: Parcel, error: str, not_before: float | None
) -> Mapping[str, object]:
    return {
        "channel": channel,
        "error": error,
        "not_before": not_before,
        "parcel": parcel.to_dict(),
    }
