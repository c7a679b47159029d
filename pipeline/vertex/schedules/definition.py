"""What a schedule should be: configs/schedules.yaml, or the options of `create`."""

from __future__ import annotations

import datetime
import zoneinfo
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import ErrorDetails

from pipeline.config import layers, problems
from pipeline.errors import ConfigError
from pipeline.vertex.schedules import cron as cron_lib


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(_Frozen):
    """One schedule, as somebody wants it."""

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")
    """Lower case, digits and dashes, at most 40: it becomes a label of every run."""

    timezone: str | None = None
    """IANA's name, such as Europe/Berlin; UTC when neither this nor `cron` says one."""

    cron: str
    """Five fields: minute, hour, day of month, month, day of week."""

    start: datetime.datetime | None = None
    """No run before it; in the schedule's zone, unless it says its own offset."""

    end: datetime.datetime | None = None
    """No run after it; a date alone is its first moment."""

    max_runs: int | None = Field(default=None, ge=1)
    """The schedule is completed after so many."""

    max_concurrent: int = Field(default=1, ge=1)
    """Runs under way at the same time, of whatever day; a backfill keeps it, too."""

    allow_queueing: bool = False
    """With `max_concurrent` runs under way, the next one waits; else it is left out."""

    catch_up: bool = False
    """When it is resumed, what was missed in the pause runs first."""

    paused: bool = False

    parameters: dict[str, Any] = {}
    """Values of the job's parameters, the same for all runs."""

    @pydantic.field_validator("name", mode="before")
    @classmethod
    def _is_a_label(cls, name: Any) -> Any:
        fixed = str(name).lower().replace("_", "-").replace(" ", "-")
        if name != fixed:
            raise ValueError(f"lower case, digits and dashes only; try '{fixed}'")
        return name

    @pydantic.field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, zone: str | None) -> str | None:
        _checked("* * * * *", zone)
        return zone

    @pydantic.field_validator("cron")
    @classmethod
    def _is_a_cron(cls, cron: str, info: pydantic.ValidationInfo) -> str:
        _checked(cron, info.data.get("timezone"))
        return cron

    @pydantic.field_validator("end")
    @classmethod
    def _is_after_the_start(
        cls, end: datetime.datetime | None, info: pydantic.ValidationInfo
    ) -> datetime.datetime | None:
        start, cron = info.data.get("start"), info.data.get("cron")
        if start and end and cron:
            zone = cron_lib.checked(cron, info.data.get("timezone")).zone
            if _in_zone(end, zone) <= _in_zone(start, zone):
                raise ValueError(f"{end} is not after start, which is {start}")
        return end

    @pydantic.field_validator("parameters")
    @classmethod
    def _are_values(cls, given: dict[str, Any]) -> dict[str, Any]:
        if "run_date" in given:
            raise ValueError("run_date is the date that each run is scheduled for")
        for name, value in given.items():
            if not isinstance(value, str | int | float | datetime.date):
                raise ValueError(f"{name}: expected a text, a number or a date")
        return given

    @property
    def when(self) -> cron_lib.Cron:
        """The schedule's checked expression."""
        return cron_lib.checked(self.cron, self.timezone)

    @property
    def texts(self) -> dict[str, str]:
        """The parameters as the job takes them."""
        return {name: _text(value) for name, value in self.parameters.items()}

    def moment(self, field: str) -> datetime.datetime | None:
        """`start` or `end` with its offset."""
        value = getattr(self, field)
        return value and _in_zone(value, self.when.zone)

    def with_options(self, options: Mapping[str, Any]) -> Schedule:
        """The same with some of `create`'s options; None leaves one as it is.

        Raises:
          ConfigError: names every option that is wrong.
        """
        given = {name: value for name, value in options.items() if value is not None}
        before = self.model_dump()
        if "=" in given.get("cron", "") and "timezone" not in given:
            before["timezone"] = None  # the expression says its own
        if "parameters" in given:
            given["parameters"] = {**self.parameters, **given["parameters"]}
        return of_options({**before, **given})


class File(_Frozen):
    """All schedules that a pipeline has; one that is not here is an orphan."""

    schedules: tuple[Schedule, ...]

    @pydantic.field_validator("schedules")
    @classmethod
    def _has_each_name_once(
        cls, schedules: tuple[Schedule, ...]
    ) -> tuple[Schedule, ...]:
        counted = Counter(schedule.name for schedule in schedules)
        twice = sorted(name for name, count in counted.items() if count > 1)
        if twice:
            raise ValueError(f"each name once; more than once: {', '.join(twice)}")
        return schedules


def read(file: Path) -> tuple[Schedule, ...]:
    """The schedules of a file.

    Raises:
      ConfigError: names every problem: the schedule, the key, what is allowed.
    """
    value = layers.read_yaml(file)
    try:
        return File.model_validate(value).schedules
    except pydantic.ValidationError as error:
        lines = "".join(f"\n  {_place(p, value)}{_words(p)}" for p in error.errors())
        raise ConfigError(f"{file} is not valid:{lines}") from None


def of_options(options: Mapping[str, Any]) -> Schedule:
    """A schedule of the command line's options.

    Args:
      options: field -> value; None was not given.

    Raises:
      ConfigError: names every option that is wrong.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Schedule.model_validate(given)
    except pydantic.ValidationError as error:
        lines = [f"{_option(p)}{_words(p)}" for p in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _checked(cron: str, zone: str | None) -> None:
    try:
        cron_lib.checked(cron, zone)
    except ConfigError as error:
        lines = str(error).splitlines()
        raise ValueError("; ".join(line.partition(": ")[2] for line in lines)) from None


def _in_zone(value: datetime.datetime, zone: str) -> datetime.datetime:
    return value if value.tzinfo else value.replace(tzinfo=zoneinfo.ZoneInfo(zone))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(problem: ErrorDetails, value: Mapping[str, Any]) -> str:
    """Where in the file; a schedule by its name, if it says one."""
    parts = [str(part) for part in problem["loc"]]
    if len(parts) > 1 and parts[0] == "schedules":
        found = value["schedules"][int(parts[1])]
        name = found.get("name") if isinstance(found, dict) else None
        parts[1] = str(name or f"number {int(parts[1]) + 1}")
    return f"{'.'.join(parts)}: " if parts else ""


def _option(problem: ErrorDetails) -> str:
    parts = problem["loc"]
    return f"--{str(parts[0]).replace('_', '-')}: " if parts else ""


def _words(problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        return problems.unknown_key(problem["loc"], File)
    if problem["type"] == "missing":
        return "is required and missing"
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    value = problem["input"]
    got = "" if isinstance(value, dict | list) else f"; got '{value}'"
    return f"{problem['msg']}{got}"
