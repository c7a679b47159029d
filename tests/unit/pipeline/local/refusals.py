"""An output root: a run that pushed, and one whose model was refused."""

from __future__ import annotations

import json
from pathlib import Path

from tfx.types import standard_artifacts

from pipeline.components import payload, pusher
from pipeline.config import config as config_lib
from pipeline.local import override, refused
from pipeline.metadata import connections, run_record, sql
from pipeline.registry import journal, pointer
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Override
from tests import histories
from tests.histories import Spec

RUN = "run-00002"
SAID = Override(by="ada", reason="the slice is three rows <b>")

# Where a push may be killed: an object and the name of a function of it.
BEFORE_THE_MOVE = [
    (pusher, "_serving_check"),
    (pusher.fileio, "rename"),
    (journal, "append"),
    (pointer, "replace"),
]
AFTER_THE_MOVE = [
    (pusher, "_deploy"),
    (payload, "describe"),
    (run_record.Record, "end_execution"),
]


class Root:
    """An output root: a run that pushed, and one that was refused."""

    def __init__(self, folder: Path) -> None:
        sets = [f"output_root={folder}", "pipeline_name=trips"]
        self.config = config_lib.load((), sets, platform="local").config
        self.folder = folder
        self.registry = LocalRegistry(self.config.serving_path, "trips")

    @property
    def lineage(self) -> sql.SqlStore:
        return sql.SqlStore(connections.opened(self.config.metadata_path))

    def summary(self) -> dict:
        return json.loads((self.folder / "runs" / RUN / "summary.json").read_text())

    def refused(self) -> refused.Refused:
        return refused.of(self.config, RUN)

    def override(self) -> str:
        return override.carry_out(self.refused(), self.config, SAID)

    def page(self) -> str:
        return (self.folder / "runs" / RUN / "report.html").read_text()

    def was_told(self, words: str) -> bool:
        """Whether a channel that writes into the run's folder got that."""
        run = self.folder / "runs" / RUN
        return any(words in file.read_text() for file in run.glob("message*"))

    def names(self) -> list[str]:
        """What lies in the serving folder, but for the registry's own files."""
        ours = ("models.config", "moves.jsonl", ".lock")
        folder = Path(self.config.serving_path)
        return sorted(f.name for f in folder.iterdir() if f.name not in ours)

    def mend(self, **facts) -> None:
        path = self.folder / "runs" / RUN / "summary.json"
        path.write_text(json.dumps({**self.summary(), **facts}))


def make(folder: Path) -> Root:
    """Writes it there."""
    made = Root(folder)
    made.folder.mkdir()
    store = histories.open_store(made.config.metadata_path)
    store.put_artifact_type(standard_artifacts.Examples().artifact_type)
    histories.write(store, [Spec(), Spec(code=1, good=False)])
    artifacts = store.get_artifacts()
    for artifact in artifacts:
        artifact.uri = artifact.uri.replace("/out/trips", made.config.artifacts_path)
        folder = Path(artifact.uri)
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text('{"candidate": {"overall": {"auc": 0.6}}}')
        if "/Trainer/model/" in artifact.uri:
            (folder / "Format-Serving").mkdir()
            (folder / "Format-Serving" / "saved_model.pb").write_text("graph")
        if "/examples/" in artifact.uri:
            artifact.properties["split_names"].string_value = '["train", "test"]'
            artifact.properties["span"].int_value = 7
            del artifact.custom_properties["span"]
    store.put_artifacts(artifacts)
    _give_parameters(store, made.config)
    run = made.folder / "runs" / RUN
    run.mkdir(parents=True)
    check = {"metric": "auc", "slice": "overall", "candidate": 0.6, "baseline": None}
    facts = {
        **{"run_id": RUN, "pipeline": "trips", "outcome": "NOT_BLESSED"},
        **{"verdict": "NOT_BLESSED", "reasons": ["auc (overall) is 0.6"]},
        "checks": [{**check, "bound": ">= 0.8", "passed": False}],
    }
    facts |= {
        "exit_code": 4,
        "node": "Evaluator",
        "seconds": 3.0,
        "nodes": [],
        "partial": False,
    }
    facts |= {"metrics": {"overall": {"auc": 0.6}}, "pushed": None, "data": "9 rows"}
    (run / "summary.json").write_text(json.dumps(facts))
    config = made.config.model_dump(mode="json")
    (run / "started.json").write_text(json.dumps({"started": 1.8e9, "code": ""}))
    (run / "config.json").write_text(json.dumps(config))
    return made


def _give_parameters(store, config) -> None:
    """TFX keeps a node's parameters on its executions."""
    policy = {"check_rows": 3, "max_p95_ms": None, "max_size_mb": None, "promote": True}
    local = {"folder": config.serving_path, "name": "trips", "seen_as": ""}
    settings = {"local": local, "runs_folder": config.runs_path, "code": ""}
    found = store.get_executions_by_type("pipeline.components.Pusher")
    for execution in found:
        for name, value in (
            ("destination", config.serving_path),
            ("policy", json.dumps(policy)),
            ("registry", json.dumps(settings)),
            ("withheld", ""),
        ):
            execution.custom_properties[name].string_value = value
    store.put_executions(found)
