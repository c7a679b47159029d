"""Values of a column that are no numbers, and were taken as missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class NotNumbers:
    """Of one column in one split."""

    split: str
    column: str
    nan: int
    infinite: int
    """With those that float32 cannot hold, which are read as infinity."""

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return vars(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> NotNumbers:
        """The values of what `to_dict` gave, whatever else stands there."""
        names = (field.name for field in dataclasses.fields(cls))
        return cls(**{name: plain[name] for name in names})

    def __str__(self) -> str:
        """One line: where, and how many of which."""
        return f"{self.column} in {self.split}: {counted(self.nan, self.infinite)}"


def counted(nan: int, infinite: int) -> str:
    """'12 NaN, 3 infinite or beyond float32'; '' where there are none."""
    seen = [f"{nan:,} NaN"] if nan else []
    if infinite:
        seen.append(f"{infinite:,} infinite or beyond float32")
    return ", ".join(seen)
