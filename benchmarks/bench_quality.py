"""Held-out AUC of each architecture beside plain gradient boosting, same split."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "0"

import numpy as np
import pandas as pd
import tensorflow as tf
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks import machine
from pipeline.config import config
from trainer.config import Architecture
from transform.features import Features, Label

RESULTS = Path(__file__).parent / "results"
BASELINE = "HistGradientBoostingClassifier"


def main() -> int:
    """Trains, scores on the test split, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=RESULTS / "quality.json")
    arguments = parser.parse_args()
    features = config.load((), (), platform="local").config.features

    scores = {}
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        for name in Architecture.__args__:
            summary = _run(name, Path(folder))
            splits = {
                split: _rows(folder, split) for split in ("train", "eval", "test")
            }
            table = _frame(splits["test"], features)
            labels = _labels(table, features.label)
            served = tf.saved_model.load(summary["pushed"])
            answers = served.signatures["serving_examples"](
                examples=tf.constant(splits["test"])
            )["probability"]
            scores[name] = _scored(labels, answers.numpy())
        scores[BASELINE] = _boosted(splits, features)

    result = {
        "command": "make bench-quality",
        "machine": machine.describe(),
        "rows": {split: len(rows) for split, rows in splits.items()},
        "test": scores,
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    Console().print(_table(result))
    return 0


def _run(architecture: str, output: Path) -> dict[str, Any]:
    """One run; each architecture has its own pipeline, so none is a baseline."""
    subprocess.run(
        [
            *(sys.executable, "local_runner.py", "run"),
            *("--set", f"output_root={output}"),
            *("--set", f"pipeline_name={architecture.replace('_', '-')}"),
            *("--set", f"training.model={architecture}"),
        ],
        cwd=config.ROOT,
        check=True,
    )
    newest = sorted(output.glob("runs/*/summary.json"))[-1]
    return json.loads(newest.read_text(encoding="utf-8"))


def _rows(output: str, split: str) -> list[bytes]:
    """Serialized tf.Examples of the newest ExampleGen execution."""
    folders = Path(output).glob(f"artifacts/ExampleGen/examples/*/Split-{split}")
    newest = max(folders, key=lambda folder: int(folder.parent.name))
    files = [str(file) for file in newest.glob("*.gz")]
    return [
        record.numpy()
        for record in tf.data.TFRecordDataset(files, compression_type="GZIP")
    ]


def _frame(rows: list[bytes], features: Features) -> pd.DataFrame:
    """The raw columns; what a row lacks is missing."""
    frame = pd.DataFrame(list(map(dict, map(_values, rows))))
    for column in frame:
        if column in features.vocabulary:
            frame[column] = frame[column].astype("category")
    return frame


def _values(row: bytes) -> Iterator[tuple[str, Any]]:
    for name, feature in tf.train.Example.FromString(row).features.feature.items():
        values = getattr(feature, feature.WhichOneof("kind") or "int64_list").value
        value = values[0] if values else None
        yield name, value.decode() if isinstance(value, bytes) else value


def _labels(frame: pd.DataFrame, label: Label) -> np.ndarray:
    """The rule of transform/preprocessing.py, said once more in pandas."""
    column, denominator = frame[label.column], frame[str(label.denominator)]
    return ((column > denominator * label.threshold) & (denominator > 0)).to_numpy()


def _boosted(splits: dict[str, list[bytes]], features: Features) -> dict[str, float]:
    """Fitted on train and eval together; it holds out its own part to stop early."""
    fitted = splits["train"] + splits["eval"]
    frame = _frame(fitted + splits["test"], features)
    labels = _labels(frame, features.label)
    columns = frame[list(features.columns)]
    boosting = HistGradientBoostingClassifier(
        categorical_features="from_dtype", early_stopping=True, random_state=0
    )
    boosting.fit(columns[: len(fitted)], labels[: len(fitted)])
    answers = boosting.predict_proba(columns[len(fitted) :])[:, 1]
    return _scored(labels[len(fitted) :], answers)


def _scored(labels: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    return {
        "auc": round(float(roc_auc_score(labels, answers)), 4),
        "log_loss": round(float(log_loss(labels, answers)), 4),
        "calibration": round(float(answers.mean() / labels.mean()), 3),
    }


def _table(result: dict[str, Any]) -> Table:
    table = Table(
        title=f"{result['rows']['test']:,} test rows, not seen in training",
        title_justify="left",
        box=None,
    )
    for column in ("model", "auc", "log loss", "calibration"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for name, score in result["test"].items():
        table.add_row(name, *(str(value) for value in score.values()))
    return table


if __name__ == "__main__":
    sys.exit(main())
