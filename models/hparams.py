"""What a configuration may tune about an architecture."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class HParams(BaseModel):
    """Hyper-parameters that the architectures read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_units: tuple[int, ...] = (64, 32)
    """Width of each dense layer of the deep part, first to last."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of hidden units silenced at each training step."""
