"""Vertex ML Metadata gives the answers of SQLite for the same graph."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from google.cloud.aiplatform_v1 import MetadataServiceClient
from google.cloud.aiplatform_v1.types import Artifact, Context, Event, Execution

from pipeline import exports, recorded
from pipeline.errors import CloudError, CloudUnavailable, UsageError
from pipeline.exports import subject
from pipeline.gcp import clients
from pipeline.gcp import metadata as vertex
from pipeline.gcp.registry_moves import VertexMoves
from pipeline.lineage import diff, history, impact, moves, names, trace, why
from pipeline.registry.versions import Move
from tests.fakes import server, vertex_metadata
from tests.histories import NODES, Spec

SPECS = (
    Spec(at=1.0),
    Spec(files=(0, 1), code=1, at=2.0),
    Spec(good=False, code=2, at=3.0),
    Spec(repush=True, at=4.0),
    Spec(ends_at="Trainer", code=3, dirty=True, at=5.0),
)
STORE = vertex_metadata.STORE


@pytest.fixture
def cloud():
    operations = server.Operations()
    metadata = vertex_metadata.VertexMetadata(operations)
    with server.running(metadata, operations) as running, running.here():
        yield running


def write(store, pipeline: str) -> None:
    """The runs of an MLMD store, as TFX's tasks on Vertex would have recorded them."""
    client = clients.vertex(MetadataServiceClient, server.REGION)
    put(client, "context", Context(schema_title="system.Pipeline"), pipeline)
    known: set[str] = set()
    for run in store.runs(pipeline):
        context = Context(
            schema_title="system.PipelineRun",
            parent_contexts=[f"{STORE}/contexts/{pipeline}"],
        )
        put(client, "context", context, run.id)
        ids = store.executions_of_run(pipeline, run.id)
        events = store.events_of_executions(ids, True)
        record, origin = facts_of(run)
        for execution in store.executions_by_id(ids):
            values = {
                f"input:{k}": v
                for k, v in execution.properties.items()
                if k not in vars(recorded.ExecutionKey).values()
            }
            if execution.node in ("Notifier", run.text("outcome_node")):
                values |= {"input:record": record, "input:origin": origin}
            made = Execution(
                display_name=execution.node,
                schema_title="system.ContainerExecution",
                state=Execution.State[execution.state],
                metadata=values,
            )
            put(client, "execution", made, f"execution-{execution.id}")
            for event in (e for e in events if e.execution == execution.id):
                put_event(client, store, event, known, execution, pipeline)
        client.add_context_artifacts_and_executions(
            request={
                "context": f"{STORE}/contexts/{run.id}",
                "executions": [f"{STORE}/executions/execution-{id_}" for id_ in ids],
                "artifacts": sorted(
                    {f"{STORE}/artifacts/artifact-{e.artifact}" for e in events}
                ),
            }
        )


def facts_of(run) -> tuple[str, str]:
    """What is known when the job is compiled, and what when it is submitted."""
    later = ("trigger", "user", "host")
    facts = dict(run.properties)
    origin = {name: facts.pop(name) for name in later}
    for at_the_end in ("outcome", "outcome_node", "reasons", "ended"):
        facts.pop(at_the_end, None)
    return json.dumps(facts), json.dumps(origin)


def put(client, kind: str, resource, own_id: str) -> None:
    resource.schema_version = "0.0.1"
    getattr(client, f"create_{kind}")(
        request={"parent": STORE, kind: resource, f"{kind}_id": own_id}
    )


def registered(artifact, pipeline: str) -> dict[str, str]:
    """Vertex's registry numbers versions itself: here from 11 on."""
    version = artifact.properties.get("pushed_version")
    if not version:
        return {}
    model = f"projects/1/locations/{server.REGION}/models/{pipeline}"
    return {"registered": f"{model}@{int(version) + 10}"}


def put_event(client, store, event, known: set[str], execution, pipeline) -> None:
    if event.artifact not in known:
        known.add(event.artifact)
        [artifact] = store.artifacts_by_id([event.artifact])
        made = Artifact(
            uri=artifact.uri,
            schema_title=f"tfx.{artifact.type}",
            state=Artifact.State.LIVE,
            metadata={
                **artifact.properties,
                **registered(artifact, pipeline),
                "code_digest": execution.text("code_digest"),
                "code_files": execution.text("code_files"),
            },
        )
        put(client, "artifact", made, f"artifact-{artifact.id}")
    client.add_execution_events(
        request={
            "execution": f"{STORE}/executions/execution-{event.execution}",
            "events": [
                Event(
                    artifact=f"{STORE}/artifacts/artifact-{event.artifact}",
                    type_=Event.Type.OUTPUT if event.is_output else Event.Type.INPUT,
                )
            ],
        }
    )


def answers(store, prefix: str = "") -> list:
    """Without what is another clock's, another store's ids, or not kept there."""
    found = [
        answer.value
        for answer in (
            history.runs(store, "trips"),
            history.champion(store, "trips"),
            history.timeline(store, "trips"),
            why.why(store, "trips", "run-00003"),
            trace.trace(store, "trips", "/serving/trips/2"),
            trace.trace(store, "trips", "run-00004"),
            impact.impact(store, "trips", "file-0.csv"),
            diff.diff(store, "trips", "/serving/trips/1", "/serving/trips/2"),
        )
    ]
    text = json.dumps([plain(value) for value in found])
    return json.loads(re.sub(r'"(artifact|execution)-(\d+)"', r'"\2"', text))


def plain(value):
    if isinstance(value, dict):
        clocks = ("made", "at", "started", "ended", "seconds")
        return {k: plain(v) for k, v in value.items() if k not in clocks}
    return [plain(child) for child in value] if isinstance(value, list) else value


def test_it_gives_the_answers_of_sqlite(recorded, cloud):
    local = recorded(*SPECS)
    write(local, "trips")

    remote = vertex.loaded(server.PROJECT, server.REGION, "trips")

    assert answers(remote) == answers(local)


def test_what_people_moved_is_there_as_the_registry_wrote_it(recorded, cloud):
    local = recorded(*SPECS)
    write(local, "trips")
    registry = VertexMoves(server.PROJECT, server.REGION, "trips")
    back = Move(
        action="rollback",
        before="12",
        champion="11",
        candidate="",
        actor="ada",
        reason="the new one is slow",
    )
    registry.end(registry.begin(back), "COMPLETE")
    registry.begin(dataclasses.replace(back, champion="13", reason="cut off"))

    remote = vertex.loaded(server.PROJECT, server.REGION, "trips")

    found = moves.of_pipeline(remote, "trips")
    assert [move.reason for move in found] == ["the new one is slow"]
    answer = history.champion(remote, "trips", None, found).value
    assert answer["champion"]["version"] == "1"
    assert answer["by"]["actor"] == "ada"
    last = history.timeline(remote, "trips", moves=found).value["events"][-1]
    assert last["what"] == "rolled back to"
    assert last["detail"] == "11, by ada: the new one is slow"


def test_an_override_is_on_the_refused_run_and_on_the_one_that_pushed(recorded, cloud):
    local = recorded(*SPECS)
    write(local, "trips")
    client = clients.vertex(MetadataServiceClient, server.REGION)
    said = {"by": "ada", "reason": "three rows", "at": 1e9, "run": "run-00003"}
    [pushed] = [
        each
        for each in client.list_artifacts(request={"parent": STORE})
        if dict(each.metadata or {}).get("pushed_version") == "2"
    ]
    pushed.metadata = {**dict(pushed.metadata), "overridden": json.dumps(said)}
    client.update_artifact(artifact=pushed)

    remote = vertex.loaded(server.PROJECT, server.REGION, "trips")

    words = "by ada on 2001-09-09T01:46:40Z: three rows"
    runs = {r["run"]: r for r in history.runs(remote, "trips").value["runs"]}
    assert runs["run-00003"]["outcome"] == "NOT_BLESSED"
    assert runs["run-00003"]["overridden"] == words
    assert runs["run-00002"]["overridden"] == words
    assert "overridden" not in runs["run-00001"]
    model = trace.trace(remote, "trips", "/serving/trips/2").value["model"]
    assert model["overridden"] == words


def shown(store, run: str) -> dict:
    return history.show(store, "trips", run).value


def work(store, run: str) -> dict[str, tuple]:
    """Node -> state, rows and code, of what put something out."""
    names = ("state", "rows_in", "rows_out", "code_digest")
    return {
        step["node"]: tuple(step[name] for name in names)
        for step in shown(store, run)["steps"]
        if step["state"] != "FAILED" and step["node"] != "BaselineResolver"
    }


@pytest.fixture
def both(recorded, cloud):
    local = recorded(*SPECS)
    write(local, "trips")
    return local, vertex.loaded(server.PROJECT, server.REGION, "trips")


def test_each_node_has_the_rows_and_the_code_that_it_has_in_sqlite(both):
    local, remote = both

    for run in ("run-00001", "run-00002", "run-00003", "run-00004", "run-00005"):
        assert work(remote, run) == work(local, run)
    assert work(remote, "run-00002")["Trainer"][:3] == ("COMPLETE", 80, 0)


def test_a_node_took_from_its_execution_s_making_to_its_last_word(both):
    client = clients.vertex(MetadataServiceClient, server.REGION)
    made, *_ = client.list_executions(
        request={"parent": STORE, "filter": 'display_name="Trainer"'}
    )

    remote = vertex.loaded(server.PROJECT, server.REGION, "trips")

    [step] = remote.executions_by_id([made.name.rpartition("/")[2]])
    took = (made.update_time - made.create_time).total_seconds()
    assert step.properties["seconds"] == took
    assert step.ended == made.update_time.timestamp()


def test_a_node_that_still_runs_has_no_seconds(recorded, cloud):
    write(recorded(Spec(ends_at="Trainer", cut_off=True)), "trips")

    remote = vertex.loaded(server.PROJECT, server.REGION, "trips")

    seconds = {s["node"]: s["seconds"] for s in shown(remote, "run-00001")["steps"]}
    assert seconds.pop("Trainer") is None
    assert None not in seconds.values()


def test_a_run_has_who_started_it_and_why(both):
    found = shown(both[1], "run-00005")

    assert (found["trigger"], found["user"], found["host"]) == (
        *("hand", "ada"),
        "elsewhere",
    )


def test_why_a_model_was_refused_and_who_was_told_is_with_the_run(recorded, cloud):
    write(recorded(Spec(good=False)), "trips")
    client = clients.vertex(MetadataServiceClient, server.REGION)
    [told] = client.list_artifacts(
        request={"parent": STORE, "filter": 'schema_title="tfx.String"'}
    )
    told.metadata["told"] = '[{"channel": "ops", "outcome": "sent", "at": 1.8e9}]'
    client.update_artifact(artifact=told)

    found = shown(vertex.loaded(server.PROJECT, server.REGION, "trips"), "run-00001")

    assert found["reasons"] == ["auc (overall) is 0.6"]
    assert found["told"] == [
        {"channel": "ops", "outcome": "sent", "at": "2027-01-15T08:00:00Z"}
    ]


def test_an_origin_that_a_person_typed_breaks_nothing(recorded, cloud):
    write(recorded(Spec()), "trips")
    client = clients.vertex(MetadataServiceClient, server.REGION)
    [notifier] = client.list_executions(
        request={"parent": STORE, "filter": 'display_name="Notifier"'}
    )
    notifier.metadata["input:origin"] = "by me, {"
    client.update_execution(execution=notifier)

    found = shown(vertex.loaded(server.PROJECT, server.REGION, "trips"), "run-00001")

    assert (found["trigger"], found["outcome"]) == ("", "SUCCEEDED")


def test_another_pipelines_runs_are_not_read(recorded, cloud):
    local = recorded(Spec(), Spec(pipeline="penguins"))
    write(local, "trips")
    write(local, "penguins")

    remote = vertex.loaded(server.PROJECT, server.REGION, "trips")

    assert [run.id for run in remote.runs("trips")] == ["run-00001"]
    assert len(remote.executions_in("trips", ("COMPLETE",))) == len(NODES)


def test_a_pipeline_that_never_ran_is_told(cloud):
    store = vertex.loaded(server.PROJECT, server.REGION, "trips")

    with pytest.raises(UsageError, match=r"Vertex ML Metadata of .* is empty"):
        names.pipeline(store, None, "trips")


@pytest.mark.parametrize(
    ("code", "error"),
    [("UNAVAILABLE", CloudUnavailable), ("PERMISSION_DENIED", CloudError)],
)
def test_what_the_service_refuses_is_told_in_words(cloud, code, error):
    cloud.faults += [("ListContexts", code, "not now")] * 20

    with pytest.raises(error, match=r"read projects/.*not now"):
        vertex.loaded(server.PROJECT, server.REGION, "trips")


@pytest.mark.parametrize("form", exports.FORMATS)
def test_a_model_is_exported_from_there_too(recorded, cloud, form):
    local = recorded(*SPECS)
    write(local, "trips")
    remote = vertex.loaded(server.PROJECT, server.REGION, "trips")

    here, there = (
        exports.text(subject.of(store, "trips", "/serving/trips/2"), form)
        for store in (local, remote)
    )

    assert comparable(there) == comparable(here)


def comparable(text: str) -> set[str]:
    """Every digest that it names: ids, clocks and numbers of a store are its own."""
    return set(re.findall(r"\b[0-9a-f]{40,64}\b", text))
