"""Would a node hit the cache, and if not, which change is it?"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import inputs_utils
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import artifact_utils

from pipeline.code import parts
from pipeline.components import baseline, ingestion
from pipeline.config import layers
from pipeline.config.config import Config
from pipeline.local import launch, outputs
from pipeline.metadata.run_record import USABLE, Record
from pipeline.nodes import BASELINE_RESOLVER, EVALUATOR, EXAMPLE_GEN, TRAINER
from pipeline.platforms import settings


@dataclasses.dataclass(frozen=True)
class Finding:
    """Whether a node would hit, and why (not)."""

    execution: mlmd.Execution | None
    """The execution whose outputs would be reused; None for a miss."""

    reasons: tuple[str, ...]


def explain(config: Config, node: str | None = None) -> list[str]:
    """Lines for a person: hit or miss, and every reason.

    The same comparison that TFX's cache key makes, but part by part: inputs, code,
    settings, and whether the outputs are still there.

    Args:
      config: of the run that is asked about.
      node: which one; None is each.
    """
    record = Record(config, run_id="")
    findings: dict[str, Finding] = {}
    for entry in launch.compiled(config).nodes:
        current = entry.pipeline_node
        findings[current.node_info.id] = _find(config, record, current, findings)
        if current.node_info.id == node:
            break
    asked = [node] if node else list(findings)
    return [line for name in asked for line in _lines(name, findings[name])]


def _lines(node: str, finding: Finding) -> list[str]:
    if finding.execution is None:
        return [f"{node}: miss", *(f"  {reason}" for reason in finding.reasons)]
    return [f"{node}: hit, from execution {finding.execution.id}"]


def _find(
    config: Config,
    record: Record,
    node: pipeline_pb2.PipelineNode,
    findings: dict[str, Finding],
) -> Finding:
    name = node.node_info.id
    earlier = [e for e in record.executions_of(name) if e.last_known_state in USABLE]
    if not earlier:
        return Finding(None, (f"no successful execution of {name} in this store",))
    if name == BASELINE_RESOLVER:
        return Finding(earlier[0], ())
    newest: tuple[str, ...] = ()
    for execution in earlier:
        reasons = (
            *_inputs(record, execution, node, findings),
            *_baseline(config, record, execution, findings, name),
            *_parameters(config, execution, node),
            *_outputs(config, record, execution),
        )
        if not reasons:
            return Finding(execution, ())
        newest = newest or reasons
    return Finding(None, newest)


def _inputs(
    record: Record,
    execution: mlmd.Execution,
    node: pipeline_pb2.PipelineNode,
    findings: dict[str, Finding],
) -> list[str]:
    used = {a.id for group in record.inputs(execution.id).values() for a in group}
    reasons = []
    for upstream in node.upstream_nodes:
        if upstream == BASELINE_RESOLVER:
            continue
        hit = findings[upstream].execution
        if hit is None:
            reasons.append(f"input from {upstream}: {upstream} would run again")
            continue
        offered = record.outputs(hit.id).values()
        if not used & {artifact.id for group in offered for artifact in group}:
            reasons.append(f"input from {upstream}: it was another artifact")
    return reasons


def _baseline(
    config: Config,
    record: Record,
    execution: mlmd.Execution,
    findings: dict[str, Finding],
    name: str,
) -> list[str]:
    trained = findings.get(TRAINER)
    if name != EVALUATOR or trained is None or trained.execution is None:
        return []
    registry = settings.registry(config, "local").to_dict()
    resolved = baseline.Champion(json.dumps(registry)).resolve_artifacts(
        record.store,
        {"model": _typed(record, record.outputs(trained.execution.id)["model"])},
    )
    now = [artifact.id for artifact in resolved["model"]]
    then = [a.id for a in record.inputs(execution.id).get("baseline_model", [])]
    return [] if now == then else [f"baseline model: was {then}, is {now}"]


def _parameters(
    config: Config, execution: mlmd.Execution, node: pipeline_pb2.PipelineNode
) -> list[str]:
    current = data_types_utils.build_parsed_value_dict(
        inputs_utils.resolve_parameters_with_schema(node.parameters)
    )
    if node.node_info.id == EXAMPLE_GEN and not config.data.query:
        # The span, its files and their fingerprint are the driver's to find.
        current = ingestion.ContentDriver(None).resolve_exec_properties(
            current, None, None
        )
    reasons = []
    for name, value in sorted(current.items()):
        if name == "code_digest":
            continue  # code_files says the same, file by file
        before = _value(execution.custom_properties.get(name))
        if str(before) == str(value):
            continue
        label = {"code_files": "code", "input_fingerprint": "data"}.get(name, "setting")
        reasons += [f"{label} {line}" for line in _changes(config, name, before, value)]
    return reasons


def _changes(config: Config, name: str, before: Any, after: Any) -> list[str]:
    """What differs, leaf by leaf when both are JSON."""
    old, new = _leaves(before), _leaves(after)
    if old is None or new is None:
        return [f"{name}: was {before}, is {after}"]
    if name == "code_files":
        return [
            _code_line(config, key, old.get(key))
            for key in sorted(old.keys() | new.keys())
            if old.get(key) != new.get(key)
        ]
    return [
        f"{name}.{key}: was {old.get(key)}, is {new.get(key)}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _code_line(config: Config, file: str, before: str | None) -> str:
    where = ", ".join(parts.changed(config.output_root, file, before))
    return f"{file}: changed" + (f" in {where}" if where else "")


def _leaves(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return None
    return dict(layers.leaves(value)) if isinstance(value, dict) else None


def _outputs(config: Config, record: Record, execution: mlmd.Execution) -> list[str]:
    return [
        f"output {key}: {why}"
        for key, group in record.outputs(execution.id).items()
        for artifact in group
        if (why := _unusable(config, artifact))
    ]


def _unusable(config: Config, artifact: mlmd.Artifact) -> str:
    """Why no run would take it; '' when one would."""
    recorded = {
        name: _value(value)
        for name, value in artifact.custom_properties.items()
        if name in outputs.RECORDED
    }
    why = outputs.problem(artifact.uri, recorded, config.cache.is_thorough)
    if not why and artifact.state != mlmd.Artifact.LIVE:
        return f"{artifact.uri} is gone"
    return why


def _value(value: mlmd.Value | None) -> Any:
    return getattr(value, value.WhichOneof("value")) if value is not None else None


def _typed(record: Record, artifacts: list[mlmd.Artifact]) -> list[Any]:
    types = record.store.get_artifact_types_by_id([a.type_id for a in artifacts])
    return [
        artifact_utils.deserialize_artifact(type_, artifact)
        for type_, artifact in zip(types, artifacts, strict=True)
    ]
