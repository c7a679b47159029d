"""What only people know of a model: the configuration's `model_card` section."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ModelCardConfig(BaseModel):
    """Goes, word for word, into the model card and the bill of materials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    intended_use: str = ""
    """What the model is for."""

    out_of_scope: tuple[str, ...] = ()
    """What it must not be used for."""

    limitations: tuple[str, ...] = ()
    """What is known not to work; what the evaluation shows is added to it."""

    ethical_considerations: tuple[str, ...] = ()
    """Whom it could harm, and how that is kept small."""

    owners: tuple[str, ...] = ()
    """Who answers for it: names, teams or addresses that may be published."""

    licence: str = ""
    """The model's licence: an SPDX identifier, or a name."""
