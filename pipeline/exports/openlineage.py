"""OpenLineage: an event for each beginning and end, of runs and of their nodes."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator
from typing import Any

from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from pipeline.exports.subject import URN, Subject, began, moment
from pipeline.lineage import facts, graph
from pipeline.metadata.records import Artifact, Event, Execution, Run
from pipeline.recorded import ExecutionKey, Override, Payload, Pushed, RunKey

Facets = dict[str, facet_v2.DatasetFacet]
NAMESPACE = "millrace"
"""Of jobs; of data sets it is what the specification says: file, gs://BUCKET."""

_OUTCOMES = {
    "SUCCEEDED": event_v2.RunState.COMPLETE,
    "NOT_BLESSED": event_v2.RunState.COMPLETE,
    "CANCELLED": event_v2.RunState.ABORT,
}
_STATES = {
    "COMPLETE": event_v2.RunState.COMPLETE,
    "CACHED": event_v2.RunState.COMPLETE,
    "FAILED": event_v2.RunState.FAIL,
    "CANCELED": event_v2.RunState.ABORT,
}

Datasets = tuple[list[event_v2.InputDataset], list[event_v2.OutputDataset]]


def text(subject: Subject) -> str:
    """An event on each line, in the order of time within a run."""
    return "\n".join(
        json.dumps(Serde.to_dict(event), sort_keys=True, ensure_ascii=False)
        for event in events(subject)
    )


def events(subject: Subject) -> Iterator[event_v2.RunEvent]:
    """START and an end of every run that had a part in the model, and of its nodes.

    What has no end on record, because it was killed, has no event of one.
    """
    for run in subject.runs.values():
        yield _of_run(subject, run, event_v2.RunState.START, began(run))
        nodes = subject.executions(run)
        overrides = [each for each in nodes if each.node == Override.TYPE]
        for execution in nodes:
            if execution not in overrides:
                yield from _of_execution(subject, run, execution)
        ended = moment(run.text(RunKey.ENDED))
        if ended is not None:
            state = _OUTCOMES.get(run.text(RunKey.OUTCOME), event_v2.RunState.FAIL)
            yield _of_run(subject, run, state, ended)
        for execution in overrides:  # when the run was over
            yield from _of_execution(subject, run, execution)


def run_uuid(*parts: str) -> str:
    """The same for the same run and node, whoever asks, whenever."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ":".join([URN, *parts])))


def _of_run(
    subject: Subject, run: Run, state: event_v2.RunState, at: datetime.datetime
) -> event_v2.RunEvent:
    run_facets: dict[str, facet_v2.RunFacet] = {"processing_engine": _engine(run)}
    reasons = run.json(RunKey.REASONS, [])
    if state == event_v2.RunState.FAIL:
        message = "; ".join(reasons) or run.text(RunKey.OUTCOME)
        run_facets["errorMessage"] = _error(message)
    return event_v2.RunEvent(
        eventType=state,
        eventTime=at.isoformat(),
        producer=URN,
        run=event_v2.Run(run_uuid(subject.pipeline, run.id), run_facets),
        job=event_v2.Job(
            NAMESPACE,
            subject.pipeline,
            _job(run, "PIPELINE", f"Run {run.id} of pipeline {subject.pipeline}."),
        ),
    )


def _of_execution(
    subject: Subject, run: Run, execution: Execution
) -> Iterator[event_v2.RunEvent]:
    inputs, outputs = _datasets(subject, execution)
    words = f"Node {execution.node} of pipeline {subject.pipeline}."
    if said := facts.overridden(execution):
        words = f"A refused model was pushed all the same {said['overridden']}"
    common: dict[str, Any] = {
        "producer": URN,
        "job": event_v2.Job(
            NAMESPACE,
            f"{subject.pipeline}.{execution.node}",
            _job(run, "TASK", words),
        ),
        "inputs": inputs,
    }
    own = run_uuid(subject.pipeline, run.id, execution.node, execution.id)
    start = moment(execution.created) or began(run)
    run_facets = {
        "parent": facet_v2.parent_run.ParentRunFacet(
            run=facet_v2.parent_run.Run(run_uuid(subject.pipeline, run.id)),
            job=facet_v2.parent_run.Job(NAMESPACE, subject.pipeline),
            producer=URN,
        ),
        "processing_engine": _engine(run),
    }
    yield event_v2.RunEvent(
        eventType=event_v2.RunState.START,
        eventTime=start.isoformat(),
        run=event_v2.Run(own, run_facets),
        outputs=[],
        **common,
    )
    if execution.state not in _STATES:
        return
    state = _STATES[execution.state]
    if state == event_v2.RunState.FAIL:
        message = execution.text(ExecutionKey.ERROR) or "no reason is on record"
        run_facets = {**run_facets, "errorMessage": _error(message)}
    yield event_v2.RunEvent(
        eventType=state,
        eventTime=(moment(execution.ended) or start).isoformat(),
        run=event_v2.Run(own, run_facets),
        outputs=outputs,
        **common,
    )


def _datasets(subject: Subject, execution: Execution) -> Datasets:
    found = subject.store.events_of_executions([execution.id], True)
    artifacts = {
        a.id: a for a in subject.store.artifacts_by_id({e.artifact for e in found})
    }
    inputs = [
        event_v2.InputDataset(*_place(a.uri), facets=_described(a))
        for a in _artifacts(found, artifacts, False)
    ]
    made = list(_artifacts(found, artifacts, True))
    outputs = [
        event_v2.OutputDataset(
            *_place(a.uri), facets=_described(a), outputFacets=_written(a, execution)
        )
        for a in made
    ]
    outputs += [
        event_v2.OutputDataset(*_place(place), facets=_described(a, place))
        for a in made
        if (place := a.text(Pushed.DESTINATION))
    ]
    raw = [f for a in made if a.type == graph.EXAMPLES for f in facts.files(a)]
    return [*map(_raw, raw), *inputs], outputs


def _artifacts(
    found: list[Event], artifacts: dict[str, Artifact], output: bool
) -> Iterator[Artifact]:
    """In the order of writing, each once, but those that have no place."""
    ids = {e.artifact for e in found if e.is_output == output}
    kept = [a for i, a in artifacts.items() if i in ids and a.uri]
    yield from sorted(kept, key=lambda artifact: artifact.order)


def _raw(file: dict[str, Any]) -> event_v2.InputDataset:
    statistics = facet_v2.input_statistics_input_dataset
    return event_v2.InputDataset(
        *_place(file["path"]),
        facets=_source(file["path"]) | _version(file["sha256"]),
        inputFacets={
            "inputStatistics": statistics.InputStatisticsInputDatasetFacet(
                size=file["size"], fileCount=1, producer=URN
            )
        },
    )


def _described(artifact: Artifact, place: str = "") -> Facets:
    documentation = facet_v2.documentation_dataset.DocumentationDatasetFacet(
        description=", pushed although refused ".join(
            [f"{artifact.type} {artifact.id}", *facts.overridden(artifact).values()]
        ),
        producer=URN,
    )
    digest = artifact.text(Payload.DIGEST)
    return {
        **_source(place or artifact.uri),
        "documentation": documentation,
        **(_version(digest) if digest else {}),
    }


def _written(
    artifact: Artifact, execution: Execution
) -> dict[str, facet_v2.OutputDatasetFacet]:
    rows = execution.properties.get(ExecutionKey.ROWS_OUT)
    content = artifact.json(Payload.CONTENT, {})
    if artifact.type != graph.EXAMPLES or rows is None:
        return {}
    statistics = facet_v2.output_statistics_output_dataset
    return {
        "outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(
            rowCount=int(rows),
            size=sum(file["size"] for file in content.values()) or None,
            fileCount=len(content) or None,
            producer=URN,
        )
    }


def _source(uri: str) -> Facets:
    namespace, _ = _place(uri)
    return {
        "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet(
            name=namespace, uri=uri if "://" in uri else f"file://{uri}", producer=URN
        )
    }


def _version(sha256: str) -> Facets:
    return {
        "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(
            datasetVersion=f"sha256:{sha256}", producer=URN
        )
    }


def _place(uri: str) -> tuple[str, str]:
    """Namespace and name, by the specification's naming: of a file, of an object."""
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme == "file":
        return "file", rest if separator else uri
    bucket, _, name = rest.partition("/")
    return f"{scheme}://{bucket}", name or "/"


def _job(run: Run, kind: str, words: str) -> dict[str, facet_v2.JobFacet]:
    found: dict[str, facet_v2.JobFacet] = {
        "documentation": facet_v2.documentation_job.DocumentationJobFacet(
            description=words, contentType="text/plain", producer=URN
        ),
        "jobType": facet_v2.job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="TFX", jobType=kind, producer=URN
        ),
    }
    commit = run.text(RunKey.COMMIT)
    if commit:
        place = f"file://{run.text(RunKey.ROOT)}"
        location = facet_v2.source_code_location_job.SourceCodeLocationJobFacet
        found["sourceCodeLocation"] = location(
            type="git", url=place, repoUrl=place, version=commit, producer=URN
        )
    return found


def _engine(run: Run) -> Any:
    versions = run.json(RunKey.VERSIONS, {})
    return facet_v2.processing_engine_run.ProcessingEngineRunFacet(
        version=str(versions.get("tfx", "unknown")), name="TFX", producer=URN
    )


def _error(message: str) -> Any:
    return facet_v2.error_message_run.ErrorMessageRunFacet(
        message=message, programmingLanguage="PYTHON", producer=URN
    )
