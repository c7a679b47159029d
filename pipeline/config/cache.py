"""The configuration's `cache` section: what is looked at before a result is reused."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class CacheConfig(BaseModel):
    """How a result of an earlier run is compared with what was recorded of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verify: Literal["sizes", "content"] = "sizes"
    """sizes: names and sizes of its files. content: every byte, too, where the file
    system cannot vouch for them."""

    @property
    def is_thorough(self) -> bool:
        """Whether every byte is read."""
        return self.verify == "content"
