"""What an evaluation is worth: intervals, curves and what the answers rest on.

Written beside TFMA's files while the models are in memory; the run report shows it.
"""

from __future__ import annotations

import dataclasses
import time

from pipeline.evaluation import curves, importance, intervals, metrics
from pipeline.evaluation.metrics import BASELINE, CANDIDATE
from pipeline.evaluation.scoring import Answers, Asked
from pipeline.evaluation.slicing import Slices

FILE = "explanation.json"
FORMAT = 1


def of(asked: Asked) -> dict[str, object]:
    """Everything as plain values for JSON.

    Returns:
      `intervals` slice -> metric -> [low, high] of the candidate; `differences`
      slice -> metric -> [candidate minus baseline, low, high], paired by rows; `curves`
      model -> `curves.of`; `importance` by `importance.of`, with the rows asked;
      `seconds` that it took.
    """
    started = time.perf_counter()
    is_baseline = BASELINE.__eq__
    [candidate] = [name for name in asked.answers if not is_baseline(name)]
    ours = asked.answers[candidate]
    theirs = asked.answers.get(BASELINE)
    rows, features = importance.of(
        asked.models[candidate].predictions,
        asked.rows,
        ours.labels,
        asked.models[candidate].columns,
    )
    return {
        "format": FORMAT,
        "intervals": _intervals(ours, asked.slices),
        "differences": _differences(ours, theirs, asked.slices) if theirs else {},
        "curves": {
            BASELINE if is_baseline(name) else CANDIDATE: (
                curves.of(found.labels, found.predictions)
            )
            for name, found in asked.answers.items()
        },
        "importance": {
            "rows": rows,
            "features": [dataclasses.asdict(each) for each in features],
        },
        "seconds": round(time.perf_counter() - started, 3),
    }


def _intervals(answers: Answers, slices: Slices) -> dict[str, dict[str, list[float]]]:
    found = {}
    for each in slices.rows:
        labels = answers.labels[each.places]
        predictions = answers.predictions[each.places]
        values = metrics.all_of(labels, predictions)
        found[each.name] = {
            name: list(interval)
            for name, interval in intervals.of(values, labels, predictions).items()
        }
    return found


def _differences(
    ours: Answers, theirs: Answers, slices: Slices
) -> dict[str, dict[str, list[float]]]:
    found = {}
    for each in slices.rows:
        at = each.places
        pairs = [(a.labels[at], a.predictions[at]) for a in (ours, theirs)]
        new, old = (metrics.all_of(*pair) for pair in pairs)
        found[each.name] = {
            name: [
                new[name] - old[name],
                *(new[name] - old[name] + end for end in ends),
            ]
            for name, ends in intervals.differences(*pairs).items()
        }
    return found
