"""Can the SavedModel serve? Run in a fresh process, as a model server would load it.

    echo '{"model": DIR, "examples": DIR, "rows": N}' | python -m pipeline.serving_check

What InfraValidator does with Docker, without Docker: only TensorFlow is imported, so
a model that needs this project's code or an untracked table fails here. The last line
of standard output is the report as JSON. The question comes on standard input so that
the process can load TensorFlow before there is a model to ask about; no question, no
report.
"""

from __future__ import annotations

import glob
import json
import os
import sys
import time
from typing import Any

REQUEST_WARMUPS = 3


def main() -> int:
    """Prints the report; any exception is the reason not to push."""
    import tensorflow  # noqa: F401 (what takes long, while nobody waits yet)

    question = sys.stdin.readline()
    if question:
        print(json.dumps(check(**json.loads(question))))  # noqa: T201 (its output)
    return 0


def check(model: str, examples: str, rows: int) -> dict[str, Any]:
    """Asks the model real raw rows, in one batch and one by one.

    Args:
      model: a SavedModel's folder.
      examples: a folder of gzip TFRecords of raw tf.Examples.
      rows: how many of them to ask at most.

    Returns:
      `rows`, `p50_ms` and `p95_ms` of single-row requests, `load_s`, `size_mb`.

    Raises:
      ValueError: no rows, a wrong shape, an answer that is no probability, or a row
        that gets another answer alone than in the batch.
    """
    import tensorflow as tf

    records = _records(tf, examples, rows)
    started = time.perf_counter()
    serve = tf.saved_model.load(model).signatures["serving_default"]
    load_s = time.perf_counter() - started

    answers = serve(examples=tf.constant(records))["probability"].numpy()
    require_probabilities(answers, len(records))
    latencies = _latencies(tf, serve, records, answers)
    return {
        "rows": len(records),
        "p50_ms": round(_quantile(latencies, 0.50), 3),
        "p95_ms": round(_quantile(latencies, 0.95), 3),
        "load_s": round(load_s, 3),
        "size_mb": round(_size(model) / 1e6, 3),
    }


def _records(tf: Any, examples: str, rows: int) -> list[bytes]:
    files = sorted(glob.glob(os.path.join(glob.escape(examples), "*")))
    data = tf.data.TFRecordDataset(files, compression_type="GZIP").take(rows)
    records = list(data.as_numpy_iterator())
    if not records:
        raise ValueError(f"{examples} holds no rows to ask the model")
    return records


def require_probabilities(answers: Any, rows: int) -> None:
    """Raises ValueError unless each row got a number from 0 to 1."""
    if answers.shape != (rows, 1):
        raise ValueError(f"{rows} rows got an answer of shape {answers.shape}")
    if not ((answers >= 0) & (answers <= 1)).all():
        raise ValueError(
            f"an answer is no probability: {answers.min()} {answers.max()}"
        )


def _latencies(tf: Any, serve: Any, records: list[bytes], answers: Any) -> list[float]:
    """Milliseconds of each single-row request; each must repeat the batch's answer."""
    for record in records[:REQUEST_WARMUPS]:
        serve(examples=tf.constant([record]))
    latencies = []
    for record, expected in zip(records, answers, strict=True):
        started = time.perf_counter()
        answer = serve(examples=tf.constant([record]))["probability"].numpy()
        latencies.append((time.perf_counter() - started) * 1000)
        if abs(float(answer[0, 0]) - float(expected[0])) > 1e-4:
            raise ValueError(
                f"one row alone gets {answer[0, 0]}, in a batch {expected[0]}"
            )
    return latencies


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _size(folder: str) -> int:
    return sum(
        os.path.getsize(os.path.join(parent, name))
        for parent, _, names in os.walk(folder)
        for name in names
    )


if __name__ == "__main__":
    sys.exit(main())
