"""The run that never came: is the last success too long ago?"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from pipeline.config.notifications import NotificationsConfig
from pipeline.notifications import notify
from pipeline.notifications.history import Delivery
from pipeline.runs.facts import RunFacts

_UNITS = {"m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([mhd])")


def seconds(duration: str) -> int:
    """'90m', '24h' or '2d' in seconds.

    Raises:
      ValueError: it is something else.
    """
    found = _DURATION.fullmatch(duration)
    if not found or int(found[1]) == 0:
        raise ValueError(f"'{duration}' is not a time such as 90m, 24h or 2d")
    return int(found[1]) * _UNITS[found[2]]


def overdue(
    pipeline: str,
    last_success: tuple[str, float] | None,
    every: str,
    now: float,
    provider: str = "local",
) -> RunFacts | None:
    """Facts for a message; None when all is well.

    Args:
      pipeline: its name.
      last_success: run id and end (seconds since 1970) of the newest success.
      every: how often there should be one.
      now: seconds since 1970.
      provider: the runner.
    """
    if last_success is None:
        reason = "no run has ever succeeded"
    else:
        run_id, ended = last_success
        if now - ended <= seconds(every):
            return None
        when = datetime.datetime.fromtimestamp(ended, datetime.UTC)
        reason = f"the last success is {run_id}, ended {when:%Y-%m-%d %H:%M} UTC"
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    return RunFacts(
        pipeline=pipeline,
        run_id=f"{moment:%Y%m%d-%H%M%S}-overdue",
        outcome="OVERDUE",
        reasons=(f"{reason}; one is expected every {every}",),
        ended=now,
        provider=provider,
    )


def report(
    facts: RunFacts, config: NotificationsConfig, folder: Path
) -> tuple[Delivery, ...]:
    """Tells it: the first time, then every so-many-th, until a run succeeds.

    Args:
      facts: of overdue.
      config: the channels.
      folder: for what was told, beside the runs' folders: there is no run to tell of.
    """
    return notify.notify(facts, config, folder)
