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
TOLERANCE = 1e-4

Columns = dict[str, Any]
"""A signature's input -> tensor of shape (rows,)."""


def main() -> int:
    """Prints the report; any exception is the reason not to push."""
    import tensorflow  # noqa: F401 (what takes long, while nobody waits yet)

    question = sys.stdin.readline()
    if question:
        print(json.dumps(check(**json.loads(question))))  # noqa: T201 (its output)
    return 0


def check(model: str, examples: str, rows: int) -> dict[str, Any]:
    """Asks both signatures the same real rows, in one batch and one by one.

    What was evaluated is then what is served: `serving_examples` is asked by the
    Evaluator, `serving_default`, by column, by clients. Rows that miss an integer
    cannot be asked by column.

    Args:
      model: a SavedModel's folder.
      examples: a folder of gzip TFRecords of raw tf.Examples.
      rows: how many of them to ask at most.

    Returns:
      `rows`, how many of them also `rows_by_column`, `p50_ms` and `p95_ms` of
      single-row requests (by column where that can be), `load_s`, `size_mb`.

    Raises:
      ValueError: no rows, a wrong shape, an answer that is no probability, or a row
        that gets another answer by column, or alone.
    """
    import tensorflow as tf

    records = _records(tf, examples, rows)
    started = time.perf_counter()
    loaded = tf.saved_model.load(model)
    load_s = time.perf_counter() - started
    by_column = loaded.signatures["serving_default"]
    by_example = loaded.signatures["serving_examples"]

    answers = _probabilities(by_example, {"examples": tf.constant(records)})
    require_probabilities(answers, len(records))
    whole = _by_column(tf, by_column, records)
    if whole:
        served = _probabilities(by_column, _batch(tf, list(whole.values())))
        require_probabilities(served, len(whole))
        _require_same(served, answers[list(whole)], "by column", "as a tf.Example")
    requests = [
        (by_column, whole[place])
        if place in whole
        else (by_example, {"examples": tf.constant([record])})
        for place, record in enumerate(records)
    ]
    latencies = _latencies(requests, answers)
    return {
        "rows": len(records),
        "rows_by_column": len(whole),
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


def _by_column(tf: Any, signature: Any, records: list[bytes]) -> dict[int, Columns]:
    """Place -> that row as a client sends it; none where the row misses an integer."""
    _, specs = signature.structured_input_signature
    parsed = tf.io.parse_example(
        records, {name: tf.io.VarLenFeature(spec.dtype) for name, spec in specs.items()}
    )
    missing = {tf.string: "", tf.float32: float("nan"), tf.int64: 0}
    columns = {
        name: tf.sparse.to_dense(
            tf.sparse.reset_shape(found, [len(records), 1]), missing[found.dtype]
        )[:, 0]
        for name, found in parsed.items()
    }
    places = set(range(len(records)))
    for found in parsed.values():
        if found.dtype == tf.int64:
            places &= set(found.indices[:, 0].numpy().tolist())
    return {
        place: {name: values[place : place + 1] for name, values in columns.items()}
        for place in sorted(places)
    }


def _batch(tf: Any, rows: list[Columns]) -> Columns:
    return {name: tf.concat([row[name] for row in rows], axis=0) for name in rows[0]}


def _probabilities(signature: Any, arguments: Columns) -> Any:
    return signature(**arguments)["probability"].numpy()


def require_probabilities(answers: Any, rows: int) -> None:
    """Raises ValueError unless each row got a number from 0 to 1."""
    if answers.shape != (rows,):
        raise ValueError(f"{rows} rows got an answer of shape {answers.shape}")
    if not ((answers >= 0) & (answers <= 1)).all():
        raise ValueError(
            f"an answer is no probability: {answers.min()} {answers.max()}"
        )


def _latencies(requests: list[tuple[Any, Columns]], answers: Any) -> list[float]:
    """Milliseconds of each single-row request; each must repeat the batch's answer."""
    for signature, arguments in requests[:REQUEST_WARMUPS]:
        _probabilities(signature, arguments)
    latencies = []
    for (signature, arguments), expected in zip(requests, answers, strict=True):
        started = time.perf_counter()
        answer = _probabilities(signature, arguments)
        latencies.append((time.perf_counter() - started) * 1000)
        _require_same(answer, [expected], "alone", "in a batch")
    return latencies


def _require_same(found: Any, expected: Any, one_way: str, other_way: str) -> None:
    for one, other in zip(found, expected, strict=True):
        if abs(float(one) - float(other)) > TOLERANCE:
            raise ValueError(f"one row {one_way} gets {one}, {other_way} {other}")


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
