"""The configuration's `data` and `validation`: what is read, what it must be like."""

from __future__ import annotations

import datetime

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from pipeline.config import problems


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Frozen):
    """Where the raw data is and what it should look like."""

    path: str
    """Folder with the files; `package:NAME/...` means inside an installed package."""

    query: str | None = None
    """BigQuery SQL that gives the rows, by TFX's own component; `path` is not read."""

    pattern: str = "*"
    """Which files of the folder. `{SPAN}`, `{VERSION}`, `{YYYY}`, `{MM}` and `{DD}` as
    TFX has them: the newest span, and the newest version of it."""

    span: int | None = Field(default=None, ge=0)
    """This span instead of the newest."""

    schema_file: str
    """The curated schema (text-format proto) that the data must fit."""

    splits: dict[str, int] = {"train": 6, "eval": 2, "test": 2}
    """Split -> hash buckets: train is fitted, eval stops early, test is judged."""

    split_by: str | None = None
    """Column whose equal values stay in one split; default: the whole row decides."""

    time_column: str | None = None
    """Column that says when a row happened; its least and greatest value are on
    record. Numbers, or text in `time_format`."""

    time_format: str | None = None
    """How the times are written, as Python's strptime has it: '%d/%m/%Y %H:%M'.
    Default: ISO 8601, which has one meaning; other texts are refused."""

    max_reject_share: float = Field(default=0.0, ge=0, lt=1)
    """Rows that do not fit the schema's types go to a rejects file, up to this share
    of all rows; more of them refuse the data."""

    max_header_bytes: int = Field(default=1 << 20, ge=1)
    """A CSV's header may be this long: 1 MiB."""

    max_row_bytes: int = Field(default=64 << 20, ge=1 << 10)
    """A CSV's row, and so a cell, may be this long: 64 MiB. It bounds memory, also of a
    compressed file."""

    sample: int | None = Field(default=None, ge=1)
    """Use only the first N rows of the data; such a model is never pushed."""

    @pydantic.field_validator("pattern")
    @classmethod
    def _is_one_that_tfx_knows(cls, pattern: str) -> str:
        if "**" in pattern:
            raise ValueError("TFX reads ** as *; say how many folders deep: */*.csv")
        return pattern

    @pydantic.field_validator("path")
    @classmethod
    def _is_no_pattern(cls, path: str) -> str:
        return problems.no_pattern(path)

    @pydantic.field_validator("time_format")
    @classmethod
    def _is_a_format(cls, text: str | None) -> str | None:
        now = datetime.datetime.now(datetime.UTC)
        try:
            if text is not None:
                datetime.datetime.strptime(now.strftime(text), text)
        except ValueError as error:
            raise ValueError(f"not a format of Python's strptime: {error}") from None
        return text

    @pydantic.model_validator(mode="after")
    def _has_a_column_of_times(self) -> DataConfig:
        if self.time_format is not None and self.time_column is None:
            raise ValueError("time_format is set, and time_column is not")
        return self

    @pydantic.model_validator(mode="after")
    def _has_spans_to_choose_from(self) -> DataConfig:
        if self.span is not None and "{" not in self.pattern:
            raise ValueError("span is set, and pattern has no {SPAN} or {YYYY}{MM}{DD}")
        return self

    @property
    def is_remote(self) -> bool:
        """Whether only a service can say what the data are now."""
        return self.query is not None or "://" in self.path

    @pydantic.field_validator("splits")
    @classmethod
    def _has_three_splits(cls, splits: dict[str, int]) -> dict[str, int]:
        if set(splits) != {"train", "eval", "test"} or min(splits.values()) < 1:
            raise ValueError("needs train, eval and test, each 1 or more buckets")
        return splits


class AllowedAnomaly(_Frozen):
    """One anomaly that does not stop a run."""

    feature: str
    """Column name, or '*' for any."""

    anomaly: str
    """TFDV's name of the anomaly, such as ENUM_TYPE_UNEXPECTED_STRING_VALUES."""

    reason: str
    """Why it is acceptable; an auditor will ask."""


class ValidationConfig(_Frozen):
    """What SchemaValidator lets pass."""

    allow: tuple[AllowedAnomaly, ...] = ()

    baseline_statistics: str | None = None
    """Statistics that the schema's drift comparators compare with; `schema baseline`
    writes them. Drift that is on the allow-list is told, and passes."""
