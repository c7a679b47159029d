"""An output root with runs in it, as a pipeline would have left them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from pipeline.config import config as config_lib

WORDS = {"Cash": 60, "Credit Card": 40}
NODES = ("ExampleGen", "StatisticsGen", "SchemaValidator", "Transform", "Trainer")
METRICS = {
    "auc": 0.91,
    "accuracy": 0.87,
    "precision": 0.7,
    "recall": 0.6,
    "calibration": 1.02,
    "mean_label": 0.25,
    "mean_prediction": 0.255,
    "example_count": 400.0,
}


def number_statistics(name, low, high, counts):
    feature = statistics_pb2.FeatureNameStatistics(type=1)
    feature.path.step.append(name)
    stats = feature.num_stats
    stats.common_stats.num_non_missing = 100
    stats.common_stats.max_num_values = 1
    stats.common_stats.tot_num_values = 90
    stats.mean, stats.std_dev = (low + high) / 2, (high - low) / 4
    stats.min, stats.median, stats.max = low, (low + high) / 2, high
    histogram = stats.histograms.add(type=0)
    step = (high - low) / len(counts)
    for place, count in enumerate(counts):
        histogram.buckets.add(
            low_value=low + place * step,
            high_value=low + (place + 1) * step,
            sample_count=count,
        )
    return feature


def word_statistics(name, words):
    feature = statistics_pb2.FeatureNameStatistics(type=2)
    feature.path.step.append(name)
    stats = feature.string_stats
    stats.common_stats.num_non_missing = 100
    stats.common_stats.max_num_values = 1
    stats.common_stats.tot_num_values = sum(words.values())
    stats.unique = len(words)
    for word, count in words.items():
        stats.rank_histogram.buckets.add(label=word, sample_count=count)
    return feature


@dataclasses.dataclass
class Root:
    """An output root, and what is put into it."""

    path: Path

    def __post_init__(self):
        connection = mlmd.ConnectionConfig()
        connection.sqlite.filename_uri = str(self.path / "metadata.sqlite")
        connection.sqlite.connection_mode = 3  # READWRITE_OPENCREATE
        self.store = metadata_store.MetadataStore(connection)
        self.types = {
            name: self.store.put_context_type(mlmd.ContextType(name=name))
            for name in ("pipeline", "pipeline_run", "node")
        }
        kind = mlmd.ArtifactType(name="Artifact")
        self.artifact_type = self.store.put_artifact_type(kind)
        kind = mlmd.ExecutionType(name="Execution")
        self.execution_type = self.store.put_execution_type(kind)

    def context(self, kind, name):
        found = self.store.get_context_by_type_and_name(kind, name)
        if found:
            return found
        context = mlmd.Context(type_id=self.types[kind], name=name)
        [context.id] = self.store.put_contexts([context])
        return context

    def execute(self, run_id, node, outputs=(), inputs=(), state="COMPLETE"):
        """An execution with a folder for each output -> key -> artifact's id."""
        contexts = [
            self.context("pipeline", "taxi"),
            self.context("pipeline_run", run_id),
            self.context("node", f"taxi.{node}"),
        ]
        execution = mlmd.Execution(
            type_id=self.execution_type,
            last_known_state=mlmd.Execution.State.Value(state),
        )
        execution.custom_properties["code_digest"].string_value = f"{run_id}-{node}"
        pairs = []
        for number, key in enumerate(outputs):
            folder = self.folder(run_id, node, key)
            folder.mkdir(parents=True, exist_ok=True)
            artifact = mlmd.Artifact(type_id=self.artifact_type, uri=str(folder))
            event = mlmd.Event(type=mlmd.Event.OUTPUT)
            event.path.steps.add().key = key
            event.path.steps.add().index = number
            pairs.append((artifact, event))
        for number in inputs:
            [artifact] = self.store.get_artifacts_by_id([number])
            event = mlmd.Event(type=mlmd.Event.INPUT)
            event.path.steps.add().key = "input"
            pairs.append((artifact, event))
        _, made, _ = self.store.put_execution(execution, pairs, contexts)
        return dict(zip(outputs, made, strict=False))

    def folder(self, run_id, node, key):
        return self.path / "artifacts" / node / key / run_id

    def write(self, file, value):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value), encoding="utf-8")

    def run(self, run_id, outcome="SUCCEEDED", pipeline="taxi", **summary):
        """A run's folder with what the local runner leaves."""
        folder = self.path / "runs" / run_id
        config = config_lib.load(overrides=[f"output_root={self.path}"]).config
        self.write(folder / "config.json", config.model_dump(mode="json"))
        self.write(
            folder / "started.json",
            {"started": 1.8e9, "code": "commit abc", "log": str(folder / "run.log")},
        )
        nodes = [
            {"id": n, "state": "done", "seconds": 2.5, "saved_s": 0.0, "rows": 100}
            for n in NODES
        ]
        self.write(
            folder / "summary.json",
            {
                "run_id": run_id,
                "pipeline": pipeline,
                "outcome": outcome,
                "exit_code": 0,
                "node": None,
                "reasons": [],
                "nodes": nodes,
                "verdict": None,
                "checks": [],
                "metrics": {},
                "pushed": None,
                "seconds": 31.0,
                "partial": False,
                **summary,
            },
        )
        return run_id

    def statistics(self, run_id, features):
        """StatisticsGen's output, the same for each split."""
        made = self.execute(run_id, "StatisticsGen", ["statistics"])
        for split in ("test", "train", "eval"):
            folder = self.folder(run_id, "StatisticsGen", "statistics")
            target = folder / f"Split-{split}"
            target.mkdir(parents=True)
            content = statistics_pb2.DatasetFeatureStatisticsList()
            content.datasets.add(num_examples=100).features.extend(features)
            (target / "FeatureStats.pb").write_bytes(content.SerializeToString())
        return made["statistics"]

    def anomalies(self, run_id, words, state="FAILED"):
        """SchemaValidator's evidence: feature -> words, in train and test."""
        self.execute(run_id, "SchemaValidator", ["anomalies"], state=state)
        for split in ("test", "train", "eval"):
            content = anomalies_pb2.Anomalies()
            for feature, text in words.items() if split != "eval" else ():
                info = content.anomaly_info[feature]
                info.description = f"{text} ({split})"
                info.reason.add(type=anomalies_pb2.AnomalyInfo.SCHEMA_NEW_COLUMN)
            folder = self.folder(run_id, "SchemaValidator", "anomalies")
            target = folder / f"Split-{split}"
            target.mkdir(parents=True)
            (target / "SchemaDiff.pb").write_bytes(content.SerializeToString())

    def evaluation(
        self, run_id, candidate, baseline=None, verdict=None, extra=None, slices=None
    ):
        """The Evaluator's files: slice -> metrics of each model; names by rule."""
        self.execute(run_id, "Evaluator", ["evaluation"])
        folder = self.folder(run_id, "Evaluator", "evaluation")
        metrics = {"candidate": candidate, "baseline": baseline}
        if slices is not None:
            metrics["slices"] = slices
        self.write(folder / "metrics.json", metrics)
        said = {"word": "BLESSED", "blessed": True, "checks": [], **(verdict or {})}
        self.write(folder / "verdict.json", said)
        if extra is not None:
            self.write(folder / "explanation.json", extra)


def check(metric: str, passed: bool, slice_: str = "overall") -> dict:
    """A check of a verdict, as JSON."""
    values = {"candidate": 0.9, "baseline": None, "bound": ">= 0.8"}
    return {"slice": slice_, "metric": metric, "passed": passed, **values}


def full(root: Root) -> str:
    """Writes a run with something in every part, and one before it; its id."""
    root.run("r1")
    root.statistics("r1", [number_statistics("fare", 0, 9, [5, 3])])
    root.run("r2", verdict="BLESSED", pushed="/srv/" + "very-long-folder/" * 9 + "17")
    numbers = [number_statistics(f"column_{n}", 0, 9, [5, n]) for n in range(60)]
    root.statistics("r2", [*numbers, number_statistics("w" * 60, 0, 1, [1])])
    made = root.execute("r2", "ExampleGen", ["examples"])
    root.execute("r2", "Trainer", ["model", "model_run"], inputs=[made["examples"]])
    folder = root.folder("r2", "Trainer", "model_run")
    epochs = [{"epoch": n, "loss": 1 / n, "val_loss": 1.2 / n} for n in (1, 2, 3)]
    root.write(folder / "history.json", epochs)
    corners = [[0.0, 0.0], [0.2, 0.9], [1.0, 1.0]]
    tenth = {"predicted": 0.3, "observed": 0.4, "low": 0.2, "high": 0.6, "rows": 40}
    curves = {
        "roc": corners,
        "precision_recall": corners,
        "calibration": [tenth],
        "scores": {"negative": [9, 1], "positive": [1, 9]},
    }
    loss = {"feature": "column_1", "loss": 0.2, "low": 0.1, "high": 0.3}
    root.evaluation(
        "r2",
        dict.fromkeys(["overall", f"payment_type={'C' * 60}"], METRICS),
        extra={
            "intervals": {"overall": {"auc": [0.9, 0.92]}},
            "curves": {"candidate": curves},
            "importance": {"rows": 400, "features": [loss]},
        },
    )
    return "r2"


@pytest.fixture
def root(tmp_path) -> Root:
    return Root(tmp_path)
