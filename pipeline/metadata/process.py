"""Which process a run is, and whether that still lives."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any


def this() -> str:
    """This process, as recorded with its run."""
    pid = os.getpid()
    identity = {"host": socket.gethostname(), "pid": pid, "started": _started(pid)}
    return json.dumps(identity)


def lives(recorded: str) -> bool | None:
    """Whether the process still runs; None when only another host knows.

    A pid alone says little: after a restart another process has it.
    """
    try:
        identity: dict[str, Any] = json.loads(recorded)
        host, pid, started = (identity[k] for k in ("host", "pid", "started"))
    except (ValueError, KeyError, TypeError):
        return None
    if host != socket.gethostname():
        return None
    return _started(pid) == started


def _started(pid: int) -> str:
    """The kernel's time of its start, with the boot it belongs to; '' if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")
    except OSError:
        return ""
    # Its own name may hold blanks and brackets; what follows the last one does not.
    return f"{boot.strip()}/{fields.rpartition(')')[2].split()[19]}"
