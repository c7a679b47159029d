"""Histories of runs, written through MLMD's own API: a handful, or ten thousand.

It knows how TFX records a run (types, events, contexts, cached executions) and the
names of `pipeline/recorded.py`; it knows nothing of the questions that are asked of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.recorded import (
    Blessing,
    Data,
    Evaluation,
    ExecutionKey,
    Payload,
    Pushed,
    RunKey,
    Schema,
)

NODES = (
    "ExampleGen",
    "StatisticsGen",
    "SchemaValidator",
    "Transform",
    "Trainer",
    "BaselineResolver",
    "Evaluator",
    "Pusher",
    "Notifier",
)
_STATES = {
    "COMPLETE": mlmd.Execution.COMPLETE,
    "CACHED": mlmd.Execution.CACHED,
    "FAILED": mlmd.Execution.FAILED,
    "RUNNING": mlmd.Execution.RUNNING,
}
_INPUTS = {
    "StatisticsGen": ("examples",),
    "SchemaValidator": ("statistics",),
    "Transform": ("examples", "schema"),
    "Trainer": ("examples", "transform_graph"),
    "Evaluator": ("examples", "model", "baseline_model", "schema"),
    "Pusher": ("model", "blessing", "examples"),
    "Notifier": ("examples", "anomalies", "evaluation", "blessing", "pushed_model"),
}
_OUTPUTS = {
    "ExampleGen": {"examples": "Examples"},
    "StatisticsGen": {"statistics": "ExampleStatistics"},
    "SchemaValidator": {"schema": "Schema", "anomalies": "ExampleAnomalies"},
    "Transform": {"transform_graph": "TransformGraph"},
    "Trainer": {"model": "Model", "model_run": "ModelRun"},
    "Evaluator": {"blessing": "ModelBlessing", "evaluation": "ModelEvaluation"},
    "Pusher": {"pushed_model": "PushedModel"},
    "Notifier": {"notification": "String"},
}


# Of 60 to learn from, 20 to stop by and 20 to judge by: in, and out. A model that is
# refused is asked nothing.
_ROWS = {
    "ExampleGen": (100, 100),
    "StatisticsGen": (100, 100),
    "SchemaValidator": (100, 100),
    "Transform": (80, 0),
    "Trainer": (80, 0),
    "Pusher": (12, 0),
}


@dataclasses.dataclass(frozen=True)
class Spec:
    """One run: what it is given. What hits the cache follows from that."""

    pipeline: str = "trips"
    files: tuple[int, ...] = (0,)
    """Which raw files; a number is a content."""

    code: int = 0
    """Of the Trainer."""

    good: bool = True
    """Whether the Evaluator blesses."""

    ends_at: str | None = None
    """The node that fails; None when all goes well."""

    cut_off: bool = False
    """Killed there: the execution stays RUNNING, and the run has no outcome."""

    dirty: bool = False
    repush: bool = False
    """The Pusher runs although nothing changed."""

    at: float = 1_790_000_000.0
    """When, by the clock of the machine."""


def sha(*parts: object) -> str:
    """A digest as it could be."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def open_store(path: str) -> metadata_store.MetadataStore:
    """MLMD in an SQLite file, which is made."""
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = path
    return metadata_store.MetadataStore(connection)


def write(
    store: metadata_store.MetadataStore, specs: Iterable[Spec], batch: int = 500
) -> list[str]:
    """Records the runs in their order; gives their ids."""
    writer = _Writer(store)
    everything = list(specs)
    for start in range(0, len(everything), batch):
        writer.write(everything[start : start + batch])
    return writer.run_ids


_COMPLETE = "select id from Execution where last_known_state = 3"
_PUT_OUT = "select artifact_id from Event where type = 4 and execution_id"


def set_times(path: str, specs: Sequence[Spec]) -> None:
    """MLMD stamps its own time; a history has the times of its specs."""
    with closing(sqlite3.connect(path)) as db, db:
        runs = db.execute(
            "select c.id from Context c join Type t on t.id = c.type_id "
            "where t.name = 'pipeline_run' order by c.id"
        ).fetchall()
        for (run,), spec in zip(runs, specs, strict=True):
            at = int(spec.at * 1000)
            executions = "select execution_id from Association where context_id = ?"
            complete = f"{executions} intersect {_COMPLETE}"
            for table, condition in (
                ("Context", "id = ?"),
                ("Execution", f"id in ({executions})"),
                ("Artifact", f"id in ({_PUT_OUT} in ({complete}))"),
            ):
                db.execute(
                    f"update {table} set create_time_since_epoch = {at} "
                    f"where {condition}",
                    (run,),
                )


def _types_of(store: metadata_store.MetadataStore) -> dict[tuple[str, str], int]:
    """(kind, name) -> id of every type; each that is missing takes a transaction."""
    wanted = {
        "artifact": {type_ for node in _OUTPUTS.values() for type_ in node.values()},
        "execution": {f"pipeline.components.{node}" for node in NODES},
        "context": {"pipeline", "pipeline_run", "node"},
    }
    found = {}
    for kind, names in wanted.items():
        known = getattr(store, f"get_{kind}_types")()
        found |= {(kind, type_.name): type_.id for type_ in known}
        put = getattr(store, f"put_{kind}_type")
        for name in sorted(names - {type_.name for type_ in known}):
            found[kind, name] = put(_TYPES[kind](name=name), can_omit_fields=True)
    return found


_TYPES = {
    "artifact": mlmd.ArtifactType,
    "execution": mlmd.ExecutionType,
    "context": mlmd.ContextType,
}


class _Made:
    """An artifact or a context: written, or waiting to be with the batch."""

    def __init__(self, proto: Any) -> None:
        self.proto = proto
        self.id = 0


class _Writer:
    def __init__(self, store: metadata_store.MetadataStore) -> None:
        self.store = store
        self.run_ids: list[str] = []
        self._types = _types_of(store)
        self._contexts: dict[tuple[str, str], _Made] = {}
        self._cache: dict[tuple[Any, ...], dict[str, _Made]] = {}
        self._blessed: dict[str, list[_Made]] = {}
        self._number = 0

    def write(self, specs: Sequence[Spec]) -> None:
        self._artifacts: list[_Made] = []
        self._new: list[_Made] = []
        self._parents: list[tuple[_Made, _Made]] = []
        self._executions: list[mlmd.Execution] = []
        self._events: list[tuple[int, _Made, int, str]] = []
        self._members: list[tuple[int, tuple[_Made, ...]]] = []
        for spec in specs:
            self._run(spec)
        for put, new in (
            (self.store.put_contexts, self._new),
            (self.store.put_artifacts, self._artifacts),
        ):
            ids = put([made.proto for made in new]) if new else []
            for made, id_ in zip(new, ids, strict=True):
                made.id = id_
        self.store.put_parent_contexts(
            [
                mlmd.ParentContext(child_id=child.id, parent_id=parent.id)
                for child, parent in self._parents
            ]
        )
        executions = self.store.put_executions(self._executions)
        self._put_events(executions)
        self._put_members(executions)

    def _put_events(self, executions: Sequence[int]) -> None:
        events = []
        for index, made, type_, key in self._events:
            event = mlmd.Event(
                artifact_id=made.id, execution_id=executions[index], type=type_
            )
            event.path.steps.add().key = key
            event.path.steps.add().index = 0
            events.append(event)
        self.store.put_events(events)

    def _put_members(self, executions: Sequence[int]) -> None:
        associations = {
            (context.id, executions[index])
            for index, contexts in self._members
            for context in contexts
        }
        of = dict(self._members)
        attributions = {
            (context.id, made.id)
            for index, made, type_, _ in self._events
            if type_ == mlmd.Event.OUTPUT
            for context in of[index]
        }
        self.store.put_attributions_and_associations(
            [mlmd.Attribution(context_id=c, artifact_id=a) for c, a in attributions],
            [mlmd.Association(context_id=c, execution_id=e) for c, e in associations],
        )

    def _run(self, spec: Spec) -> None:
        self._number += 1
        run_id = f"run-{self._number:05d}"
        self.run_ids.append(run_id)
        pipeline = self._context("pipeline", spec.pipeline)
        run = self._context("pipeline_run", run_id, self._facts(spec))
        self._parents.append((run, pipeline))
        outputs: dict[str, _Made] = {}
        for node in NODES:
            ends = node == spec.ends_at
            self._node(spec, node, outputs, (pipeline, run), ends)
            if ends:
                return

    def _node(
        self,
        spec: Spec,
        node: str,
        outputs: dict[str, _Made],
        contexts: tuple[_Made, _Made],
        ends: bool,
    ) -> None:
        inputs = {k: outputs[k] for k in _INPUTS.get(node, ()) if k in outputs}
        key = (
            spec.pipeline,
            node,
            *(id(made) for made in inputs.values()),
            *(spec.files if node == "ExampleGen" else ()),
            *((spec.code,) if node == "Trainer" else ()),
            *((spec.good,) if node == "Evaluator" else ()),
        )
        cached = key in self._cache and not (node == "Pusher" and spec.repush)
        index = len(self._executions)
        in_context = (*contexts, self._context("node", f"{spec.pipeline}.{node}"))
        self._members.append((index, in_context))
        state = "CACHED" if cached else "COMPLETE"
        if ends:
            state = "RUNNING" if spec.cut_off else "FAILED"
        self._executions.append(self._execution(spec, node, state))
        for name, made in inputs.items():
            self._events.append((index, made, mlmd.Event.INPUT, name))
        if ends:
            return
        if node == "BaselineResolver":
            blessed = self._blessed.get(spec.pipeline, [])
            others = [made for made in blessed if made is not outputs["model"]]
            if others:
                outputs["baseline_model"] = others[-1]
                self._events.append(
                    (index, others[-1], mlmd.Event.INTERNAL_OUTPUT, "model")
                )
            return
        made_now = self._cache[key] if cached else self._make(spec, node, outputs)
        self._cache[key] = made_now
        for name, made in made_now.items():
            self._events.append((index, made, mlmd.Event.OUTPUT, name))
        outputs |= made_now
        if node == "Evaluator" and spec.good and not cached:
            self._blessed.setdefault(spec.pipeline, []).append(outputs["model"])

    def _make(
        self, spec: Spec, node: str, outputs: dict[str, _Made]
    ) -> dict[str, _Made]:
        found = {}
        for key, type_ in _OUTPUTS[node].items():
            proto = mlmd.Artifact(
                type_id=self._type("artifact", type_),
                uri=f"/out/{spec.pipeline}/{node}/{key}/{self._number}",
                state=mlmd.Artifact.LIVE,
            )
            described = self._described(spec, type_)
            if type_ == "ModelBlessing":
                described[Blessing.CANDIDATE] = outputs["model"].proto.uri
            for name, value in described.items():
                _set(proto.custom_properties[name], value)
            found[key] = _Made(proto)
            self._artifacts.append(found[key])
        return found

    def _described(self, spec: Spec, type_: str) -> dict[str, Any]:
        model = sha(spec.pipeline, spec.files, spec.code)
        metric = 0.9 if spec.good else 0.6
        check = {
            "slice": "overall",
            "metric": "auc",
            "candidate": metric,
            "baseline": None,
            "difference": None,
            "bound": ">= 0.8",
            "passed": spec.good,
        }
        files = [
            {"name": f"file-{n}.csv", "size": 100 + n, "sha256": sha("file", n)}
            for n in spec.files
        ]
        by_type: dict[str, dict[str, Any]] = {
            "Examples": {
                Data.FILES: json.dumps(files),
                Data.FILES_ROOT: "/data/in",
                Data.FILES_DIGEST: sha(*spec.files),
                Data.ROWS: json.dumps({"train": 60, "eval": 20, "test": 20}),
                Data.ROWS_READ: 100,
                Data.ROWS_WRITTEN: 100,
                Data.ROWS_REJECTED: 0,
                Data.SPAN: spec.files[0],
            },
            "Schema": {Schema.DIGEST: sha("schema")},
            "ModelEvaluation": {
                Evaluation.METRICS: json.dumps({"auc": metric}),
                Evaluation.VERDICT: json.dumps(
                    {
                        "word": "BLESSED" if spec.good else "NOT_BLESSED",
                        "blessed": spec.good,
                        "checks": [check],
                        "reasons": [] if spec.good else ["auc (overall) is 0.6"],
                    }
                ),
            },
            "ModelBlessing": {
                Blessing.BLESSED: int(spec.good),
                Blessing.WORD: "BLESSED" if spec.good else "NOT_BLESSED",
            },
            "PushedModel": {
                Pushed.PUSHED: 1,
                Pushed.DESTINATION: f"/serving/{spec.pipeline}/{self._number}",
                Pushed.VERSION: str(self._number),
                Payload.CONTENT: json.dumps(
                    {"saved_model.pb": {"size": 9, "sha256": model}}
                ),
                Payload.DIGEST: model,
                "rows": 12.0,
            }
            if spec.good
            else {Pushed.PUSHED: 0, Pushed.REASON: "the verdict is NOT_BLESSED"},
        }
        return by_type.get(type_, {})

    def _execution(self, spec: Spec, node: str, state: str) -> mlmd.Execution:
        proto = mlmd.Execution(
            type_id=self._type("execution", f"pipeline.components.{node}"),
            last_known_state=_STATES[state],
        )
        code = spec.code if node == "Trainer" else 0
        values = {
            ExecutionKey.CODE_DIGEST: sha("code", node, code),
            ExecutionKey.CODE_FILES: json.dumps({f"{node.lower()}.py": sha(code)[:16]}),
            ExecutionKey.SECONDS: 1.5,
        }
        if node in _ROWS and state in ("COMPLETE", "CACHED"):
            asked_none = node == "Pusher" and not spec.good
            counted = (0, 0) if asked_none else _ROWS[node]
            values[ExecutionKey.ROWS_IN], values[ExecutionKey.ROWS_OUT] = counted
        if state == "FAILED":
            values[ExecutionKey.ERROR] = f"{node} did not like it"
        for name, value in values.items():
            _set(proto.custom_properties[name], value)
        return proto

    def _facts(self, spec: Spec) -> dict[str, str]:
        outcome, node = "SUCCEEDED", ""
        if spec.ends_at is not None:
            outcome, node = "FAILED", spec.ends_at
        elif not spec.good:
            outcome, node = "NOT_BLESSED", "Evaluator"
        refused = ["auc (overall) is 0.6"] if outcome == "NOT_BLESSED" else []
        facts = {
            RunKey.VERSION: "1",
            RunKey.PIPELINE: spec.pipeline,
            RunKey.STARTED: f"{spec.at:.3f}",
            RunKey.TRIGGER: "hand",
            RunKey.USER: "ada",
            RunKey.HOST: "elsewhere",
            RunKey.PROCESS: json.dumps({"host": "elsewhere", "pid": 1, "started": "x"}),
            RunKey.COMMIT: sha("commit", spec.code)[:40],
            RunKey.DIRTY: str(spec.dirty).lower(),
            RunKey.DIFF_DIGEST: sha("diff", self._number) if spec.dirty else "",
            RunKey.CONFIG: json.dumps({"training": {"steps": spec.code}}),
            RunKey.CONFIG_DIGEST: sha("config", spec.code),
            RunKey.LOCK_DIGEST: sha("lock"),
            RunKey.VERSIONS: json.dumps({"python": "3.11.7", "tfx": "1.21.0"}),
        }
        if not spec.cut_off:
            facts |= {
                RunKey.ENDED: f"{spec.at + 30:.3f}",
                RunKey.OUTCOME: outcome,
                RunKey.OUTCOME_NODE: node,
                RunKey.REASONS: json.dumps(
                    [f"{node} ended it"] if spec.ends_at else refused
                ),
                RunKey.PARTIAL: "false",
            }
        return facts

    def _context(
        self, type_: str, name: str, facts: dict[str, str] | None = None
    ) -> _Made:
        if (type_, name) not in self._contexts:
            proto = mlmd.Context(type_id=self._type("context", type_), name=name)
            for key, value in (facts or {}).items():
                proto.custom_properties[key].string_value = value
            self._contexts[type_, name] = _Made(proto)
            self._new.append(self._contexts[type_, name])
        return self._contexts[type_, name]

    def _type(self, kind: str, name: str) -> int:
        return self._types[kind, name]


def _set(target: mlmd.Value, value: Any) -> None:
    if isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    else:
        target.string_value = value
