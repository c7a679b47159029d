"""ROC, precision and recall, calibration and scores of candidate and champion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipeline.reports.charts import Axis, Series, lines, scores
from pipeline.reports.evaluations import Evaluation

Found = Mapping[tuple[str, str], Mapping[str, Any]]

_NAMES = {"candidate": ("candidate", ""), "baseline": ("champion", "second")}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture with what belongs under it."""

    name: str
    words: str
    names: list[str]
    """Labels of its lines, in the order of their looks."""

    picture: Markup


def of(evaluation: Evaluation) -> list[Figure]:
    """The candidate's figures, the champion's lines beside."""
    return figures(
        {
            _NAMES[model]: evaluation.curves[model]
            for model in _NAMES
            if model in evaluation.curves
        }
    )


def figures(found: Found) -> list[Figure]:
    """Those that can be drawn; ROC needs both classes.

    Args:
      found: (name, look) of a line -> the points of `pipeline.evaluation.curves`.
    """
    if not found:
        return []
    drawn = [_calibration(found), _scores(found)]
    if all(curves["roc"] for curves in found.values()):
        rate, recall = Axis("false positive rate", 0, 1), Axis("recall", 0, 1)
        hit, precision = Axis("true positive rate", 0, 1), Axis("precision", 0, 1)
        drawn = [
            _lines(found, "ROC", "roc", rate, hit, diagonal=True),
            _lines(
                found, "Precision and recall", "precision_recall", recall, precision
            ),
            *drawn,
        ]
    return drawn


def _lines(
    found: Found, name: str, key: str, x: Axis, y: Axis, diagonal: bool = False
) -> Figure:
    series = [Series(look, curves[key]) for (_, look), curves in found.items()]
    picture = lines(f"{name} of {_who(found)}", x, y, series, diagonal=diagonal)
    return Figure(name, "", [who for who, _ in found], picture)


def _calibration(found: Found) -> Figure:
    series = [
        Series(
            look,
            [(each["predicted"], each["observed"]) for each in curves["calibration"]],
            dots=True,
            whiskers=[(each["low"], each["high"]) for each in curves["calibration"]],
        )
        for (_, look), curves in found.items()
    ]
    picture = lines(
        f"Calibration of {_who(found)}",
        Axis("mean prediction", 0, 1),
        Axis("share of positives", 0, 1),
        series,
        diagonal=True,
    )
    words = "Each dot is a tenth of the rows, with its 95 % interval."
    return Figure("Calibration", words, [who for who, _ in found], picture)


def _scores(found: Found) -> Figure:
    counts = next(iter(found.values()))["scores"]  # of one model, or nothing is seen
    picture = scores({"": counts["positive"], "second": counts["negative"]})
    return Figure(
        "Scores",
        "Share of each class by prediction.",
        ["positive", "negative"],
        picture,
    )


def _who(found: Found) -> str:
    return " and ".join(who for who, _ in found)
