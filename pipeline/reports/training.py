"""How the loss fell, epoch by epoch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from pipeline.reports import numbers
from pipeline.reports.charts import Axis, Series, lines
from pipeline.reports.curves import Figure

Epochs = Sequence[Mapping[str, float]]


@dataclasses.dataclass(frozen=True)
class Training:
    """Words and pictures."""

    sentence: str
    figures: list[Figure]


def of(epochs: Epochs) -> Training | None:
    """What the history of a training says; None without one."""
    if not epochs:
        return None
    best = _best(epochs)
    sentence = f"{len(epochs)} epoch{'s' if len(epochs) > 1 else ''}."
    if best is not None:
        sentence += (
            f" The loss on eval was lowest in epoch {best}: "
            f"{numbers.metric(_of_epoch(epochs, best)['val_loss'])}."
        )
    known = [name for name in ("loss", "auc", "accuracy") if name in epochs[0]]
    return Training(sentence, [_figure(name, epochs, best) for name in known[:2]])


def _best(epochs: Epochs) -> int | None:
    losses = {e["epoch"]: e["val_loss"] for e in epochs if "val_loss" in e}
    finite = {n: loss for n, loss in losses.items() if math.isfinite(loss)}
    return int(min(finite, key=lambda n: (finite[n], n))) if finite else None


def _of_epoch(epochs: Epochs, number: int) -> Mapping[str, float]:
    return next(epoch for epoch in epochs if epoch["epoch"] == number)


def _figure(name: str, epochs: Epochs, best: int | None) -> Figure:
    found = {
        split: points
        for split, key in (("train", name), ("eval", f"val_{name}"))
        if (points := _points(epochs, key))
    }
    heights = [height for points in found.values() for _, height in points] or [0, 1]
    margin = (max(heights) - min(heights)) * 0.08 or 0.05
    written = {"auc": "AUC"}.get(name, name)
    first, last = epochs[0]["epoch"], epochs[-1]["epoch"]
    picture = lines(
        f"{written} by epoch, of {' and '.join(found)}",
        Axis("epoch", first, max(last, first + 1)),
        Axis(written, min(heights) - margin, max(heights) + margin),
        [
            Series(look, points, dots=len(epochs) < 40)
            for look, points in zip(("", "second"), found.values(), strict=False)
        ],
        mark=best,
    )
    return Figure(
        written.capitalize() if name != "auc" else "AUC", "", list(found), picture
    )


def _points(epochs: Epochs, key: str) -> list[tuple[float, float]]:
    return [
        (epoch["epoch"], epoch[key])
        for epoch in epochs
        if key in epoch and math.isfinite(epoch[key])
    ]
