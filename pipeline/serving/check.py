"""Can the SavedModel serve? Run in a fresh process, as a model server would load it.

    echo '{"model": DIR, "examples": DIR, "rows": N}' | python -m pipeline.serving.check

What InfraValidator does with Docker, without Docker: only TensorFlow is imported, so
a model that needs this project's code or an untracked table fails here. The last line
of standard output is the report as JSON. The question comes on standard input so that
the process can load TensorFlow before there is a model to ask about; no question, no
report.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.serving.report import ServingReport
from transform import missing

REQUEST_WARMUPS = 3
TOLERANCE = 1e-4

Columns = dict[str, Any]
"""A signature's input -> its value of each row."""


def main() -> int:
    """Prints the report; any exception is the reason not to push."""
    import tensorflow  # noqa: F401 (what takes long, while nobody waits yet)

    question = sys.stdin.readline()
    if question:
        report = check(**json.loads(question))
        print(json.dumps(report.to_dict()))  # noqa: T201 (its output)
    return 0


def check(model: str, examples: str, rows: int) -> ServingReport:
    """Asks both signatures the same real rows, in one batch and one by one.

    What was evaluated is then what is served: `serving_examples` is asked by the
    Evaluator, `serving_default`, by column, by clients.

    Args:
      model: a SavedModel's folder, on a disk or in a bucket.
      examples: a folder of gzip TFRecords of raw tf.Examples, likewise.
      rows: how many of them to ask at most.

    Returns:
      What it measured; of single-row requests by column.

    Raises:
      ValueError: no rows, a wrong shape, an answer that is no probability, or a row
        that gets another answer by column, or alone.
    """
    from pipeline.serving import identity  # it imports TensorFlow

    records = _records(examples, rows)
    started = time.perf_counter()
    served = Served(model)
    load_s = time.perf_counter() - started

    answers = served.probabilities("serving_examples", {"examples": records})
    require_probabilities(answers, len(records))
    columns = _columns(served.inputs("serving_default"), records)
    by_column = served.probabilities("serving_default", columns)
    require_probabilities(by_column, len(records))
    _require_same(by_column, answers, "by column", "as a tf.Example")
    latencies = _latencies(served, _rows(columns, len(records)), answers)
    return ServingReport(
        rows=len(records),
        p50_ms=round(_quantile(latencies, 0.50), 3),
        p95_ms=round(_quantile(latencies, 0.95), 3),
        load_s=round(load_s, 3),
        size_mb=round(_size(model) / 1e6, 3),
        model_sha256=identity.digest(model),
    )


class Served:
    """A SavedModel in a session, as TensorFlow Serving loads it.

    tf.saved_model.load builds Python's objects again, and finds variables that the
    graph's own restoring leaves empty (keras#19274): such a model evaluates well and
    serves nobody.
    """

    def __init__(self, path: str) -> None:
        """Loads graph, weights and tables.

        Raises:
          ValueError: something of it is not there.
        """
        import tensorflow as tf

        with tf.Graph().as_default(), _in_words("the model does not load"):
            self._session = tf.compat.v1.Session()
            loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], path)
        self._signatures = dict(loaded.signature_def)

    def inputs(self, signature: str) -> dict[str, Any]:
        """Each input's type."""
        import tensorflow as tf

        inputs = self._signatures[signature].inputs
        return {name: tf.as_dtype(tensor.dtype) for name, tensor in inputs.items()}

    def probabilities(self, signature: str, values: Columns) -> Any:
        """Its answers, an array.

        Raises:
          ValueError: the graph does not run.
        """
        asked = self._signatures[signature]
        feeds = {asked.inputs[name].name: value for name, value in values.items()}
        with _in_words(f"{signature} does not answer"):
            return self._session.run(asked.outputs["probability"].name, feeds)


@contextlib.contextmanager
def _in_words(what: str) -> Iterator[None]:
    """TensorFlow's errors in one line: the last line is all that people are shown."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        words = " ".join(str(error.message).split())
        words = words.removeprefix("Graph execution error: ")
        raise ValueError(f"{what}: {words[:500]}") from error


def _records(examples: str, rows: int) -> list[bytes]:
    import tensorflow as tf

    names = tf.io.gfile.listdir(examples) if tf.io.gfile.isdir(examples) else ()
    files = [os.path.join(examples, name) for name in sorted(names)]
    data = tf.data.TFRecordDataset(files, compression_type="GZIP").take(rows)
    records = list(data.as_numpy_iterator())
    if not records:
        raise ValueError(f"{examples} holds no rows to ask the model")
    return records


def _columns(types: Mapping[str, Any], records: list[bytes]) -> Columns:
    """The rows as clients send them."""
    import tensorflow as tf

    parsed = tf.io.parse_example(
        records, {name: tf.io.VarLenFeature(type_) for name, type_ in types.items()}
    )
    columns = {}
    for name, found in parsed.items():
        column = tf.sparse.reset_shape(found, [len(records), 1])
        text = found.dtype == tf.string
        absent = missing.TEXT if text else missing.NUMBER
        columns[name] = tf.sparse.to_dense(column, absent).numpy()[:, 0]
    return columns


def _rows(columns: Columns, rows: int) -> list[Columns]:
    """Each row alone."""
    return [
        {name: values[row : row + 1] for name, values in columns.items()}
        for row in range(rows)
    ]


def require_probabilities(answers: Any, rows: int) -> None:
    """Raises ValueError unless each row got a number from 0 to 1."""
    if answers.shape != (rows,):
        raise ValueError(f"{rows} rows got an answer of shape {answers.shape}")
    if not ((answers >= 0) & (answers <= 1)).all():
        raise ValueError(
            f"an answer is not a probability: {answers.min()} {answers.max()}"
        )


def _latencies(served: Served, rows: list[Columns], answers: Any) -> list[float]:
    """Milliseconds of each single-row request; each must repeat the batch's answer."""
    for row in rows[:REQUEST_WARMUPS]:
        served.probabilities("serving_default", row)
    latencies = []
    for row, expected in zip(rows, answers, strict=True):
        started = time.perf_counter()
        answer = served.probabilities("serving_default", row)
        latencies.append((time.perf_counter() - started) * 1000)
        _require_same(answer, [expected], "alone", "in a batch")
    return latencies


def _require_same(found: Any, expected: Any, one_way: str, other_way: str) -> None:
    for one, other in zip(found, expected, strict=True):
        if not abs(float(one) - float(other)) <= TOLERANCE:  # NaN is not
            raise ValueError(f"one row {one_way} gets {one}, {other_way} {other}")


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _size(folder: str) -> int:
    import tensorflow as tf

    return sum(
        tf.io.gfile.stat(os.path.join(parent, name)).length
        for parent, _, names in tf.io.gfile.walk(folder)
        for name in names
    )


if __name__ == "__main__":
    sys.exit(main())
