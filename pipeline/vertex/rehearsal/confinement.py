"""A process that sees only what a container would: Linux's Landlock, without root.

    python -m pipeline.vertex.rehearsal.confinement '{"read": [], "write": []}' COMMAND

Landlock holds for all that the process starts. A path outside of those that are listed
is "Permission denied", on whatever machine.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc"),
    *("/proc", "/sys", "/run"),
)
"""What every image has of its own, and is not told apart from this machine's."""

# include/uapi/linux/landlock.h and the system calls' numbers, the same everywhere.
_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
# All up to making, removing, renaming (version 2) and truncating (version 3).
_ALL = {2: (1 << 14) - 1, 3: (1 << 15) - 1}


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def available() -> bool:
    """Whether this kernel has it, with renaming between folders."""
    return _version() >= min(_ALL)


def confine(read: Iterable[str], write: Iterable[str]) -> None:
    """Takes this process's access to every file but these.

    Args:
      read: files and folders, with all that is below.
      write: likewise; also read.

    Raises:
      OSError: the kernel does not do it.
    """
    everything = _ALL[min(_version(), max(_ALL))]
    handled = ctypes.c_uint64(everything)
    ruleset = _call(_CREATE, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    for paths, access in ((read, _READ), (write, everything)):
        for path in paths:
            _allow(ruleset, Path(path), access & everything)
    # Else only root may confine itself.
    if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _call(_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        access &= _OF_A_FILE
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(access, parent)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)


def _version() -> int:
    try:
        return _call(_CREATE, None, 0, _VERSION)
    except OSError:
        return 0


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    done = int(libc.syscall(ctypes.c_long(number), *arguments))
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def main(argv: Sequence[str]) -> None:
    """Confines itself, and becomes the command."""
    paths, *command = argv
    confine(**json.loads(paths))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
