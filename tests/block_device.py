"""An ext4 image on a loop device, and what it holds when the power goes.

The writers are stopped between two system calls; the kernel still ends what it has in
flight. What they wrote and did not sync is then in the mounted file system's memory,
and not in the image: a copy of the image is what a loss of power leaves. A copy counts
only if the device wrote nothing meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_SIZE = 512 << 20
_TOOLS = ("losetup", "mkfs.ext4", "mount", "umount")


def missing() -> str:
    """Why this machine has no such device; '' where it has."""
    if os.geteuid() != 0:
        return "a loop device needs root"
    if lacking := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        return f"{', '.join(lacking)} not found"
    free = subprocess.run(["losetup", "-f"], capture_output=True, text=True)
    return free.stderr.strip() if free.returncode else ""


class Device:
    """The device, mounted at `place`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._image = folder, folder / "disk.img"
        self.place = folder / "mounted"

    @contextlib.contextmanager
    def mounted(self) -> Iterator[Path]:
        """Makes it; while it is entered, it is there."""
        with self._image.open("wb") as image:
            image.truncate(_SIZE)
        _do("mkfs.ext4", "-q", "-F", str(self._image))
        device = _do("losetup", "-f", "--show", str(self._image))
        self._statistics = Path("/sys/block", Path(device).name, "stat")
        try:
            # Names are written back each second: long before what is in the files.
            with _mounted(device, self.place, "commit=1"):
                yield self.place
        finally:
            _do("losetup", "-d", device)

    @contextlib.contextmanager
    def after_power_loss(self, group: int | None) -> Iterator[Path]:
        """What is left of it now, mounted elsewhere.

        Args:
          group: of the processes that write; they are stopped for the copy. None: they
            ended.
        """
        copy = self._folder / "copy.img"
        with _stopped(group):
            while not self._copied(copy):
                time.sleep(0.002)
        device = _do("losetup", "-f", "--show", str(copy))
        try:
            with _mounted(device, self._folder / "left", "defaults"):
                yield self._folder / "left"
        finally:
            _do("losetup", "-d", device)

    def _copied(self, copy: Path) -> bool:
        """Whether the copy is of one instant."""
        before = self._writes()
        _do("cp", "--sparse=always", str(self._image), str(copy))
        return before is not None and before == self._writes()

    def _writes(self) -> int | None:
        """How many there were; None while one is under way."""
        numbers = self._statistics.read_text().split()
        return int(numbers[4]) + int(numbers[15]) if numbers[8] == "0" else None


@contextlib.contextmanager
def _stopped(group: int | None) -> Iterator[None]:
    if group is None:
        yield
        return
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


@contextlib.contextmanager
def _mounted(device: str, place: Path, options: str) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    _do("mount", "-t", "ext4", "-o", options, device, str(place))
    try:
        yield
    finally:
        # A process that was killed may still be about to let go of a file.
        _do("umount", "--lazy", str(place))


def _do(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()
