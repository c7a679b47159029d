"""A run on Vertex has the page that the same run has here."""

from __future__ import annotations

import datetime
import json
import re
import uuid
import webbrowser
from pathlib import Path

import pytest
import typer
from google.cloud.aiplatform_v1.types import artifact as artifact_types
from google.cloud.aiplatform_v1.types import pipeline_job
from google.protobuf import json_format

from pipeline.commands import console, vertex_report
from pipeline.errors import CloudError, UsageError
from pipeline.gcp import bucket
from pipeline.reports import collect, html, nodes
from pipeline.reports.output_root import OutputRoot
from pipeline.vertex.runs import report_source
from tests.fakes import server
from tests.unit.pipeline.reports.conftest import Root, check, full

START = datetime.datetime(2026, 3, 2, 2, tzinfo=datetime.UTC)
FOLDER = "gs://trips-bucket/millrace/artifacts"
NODES = ("ExampleGen", "StatisticsGen", "SchemaValidator", "Transform", "Trainer")
REFUSED = {"word": "NOT_BLESSED", "blessed": False, "checks": [check("auc", False)]}
REASON = "auc (overall) is 0.9000; needs >= 0.8"


@pytest.fixture
def root(tmp_path) -> Root:
    return Root(tmp_path)


def upload(google, root: Root) -> None:
    """Its artifacts into the bucket."""
    google.rest.page_size = 3
    for file in (root.path / "artifacts").rglob("*"):
        if file.is_file():
            name = file.relative_to(root.path / "artifacts")
            google.rest.objects[f"{FOLDER}/{name}"] = file.read_bytes()


def submit(google, root: Root, run_id: str, minutes: float, said=None, **fields):
    """The job that would have left what the run left here.

    Args:
      google: that it ran on.
      root: where the run is.
      run_id: of the run.
      minutes: after the first; each task takes 2.5 seconds.
      said: node -> metadata of its first output.
      fields: of the job.
    """
    created = START + datetime.timedelta(minutes=minutes)
    took = datetime.timedelta(seconds=2.5)
    ran = {node.id: node for node in nodes.of_run(metadata(root), run_id)}
    tasks = []
    for number, name in enumerate(dict.fromkeys([*NODES, *ran])):
        task = pipeline_job.PipelineTaskDetail(task_name=name, state="SUCCEEDED")
        task.start_time = created + number * took
        task.end_time = task.start_time + took
        for side in ("inputs", "outputs") if name in ran else ():
            for each in getattr(ran[name], side):
                listed = pipeline_job.PipelineTaskDetail.ArtifactList(
                    artifacts=[artifact(root, each)]
                )
                getattr(task, side)[each.key] = listed
        for each in list(task.outputs.values())[:1]:
            each.artifacts[0].metadata = (said or {}).get(name, {})
        tasks.append(task)
    job = pipeline_job.PipelineJob(
        name=google.name(run_id),
        display_name="taxi",
        create_time=created,
        start_time=created,
        end_time=created + datetime.timedelta(seconds=31),
        job_detail=pipeline_job.PipelineJobDetail(task_details=tasks),
        **{"state": "PIPELINE_STATE_SUCCEEDED", **fields},
    )
    pb = pipeline_job.PipelineJob.pb(job)
    json_format.ParseDict(spec(root, run_id, ran), pb.pipeline_spec)
    return google.jobs.add(job)


def metadata(root: Root) -> str:
    return str(root.path / "metadata.sqlite")


def artifact(root: Root, seen: nodes.Artifact):
    inside = Path(seen.uri).relative_to(root.path / "artifacts")
    return artifact_types.Artifact(
        name=f"{server.PARENT}/metadataStores/default/artifacts/{seen.id}",
        schema_title=f"tfx.{seen.type}",
        uri=f"{FOLDER}/{inside}",
    )


def spec(root: Root, run_id: str, ran) -> dict:
    config = (root.path / "runs" / run_id / "config.json").read_text("utf-8")
    record = {"config": config, "commit": "abc" + "0" * 37, "dirty": "false"}
    constant = {"runtimeValue": {"constant": json.dumps(record)}}
    handler = {"inputs": {"parameters": {"record": constant}}}
    container = {"container": {"image": "i"}}
    names = {*NODES, *ran}
    return {
        "pipelineInfo": {"name": "taxi"},
        "root": {"dag": {"tasks": {"ExitHandler": handler}}},
        "deploymentSpec": {"executors": {f"{n}_executor": container for n in names}},
    }


@pytest.fixture
def there(google, root):
    """The full run and the one before it, on Vertex."""
    full(root)
    upload(google, root)
    submit(google, root, "r1", 0)
    submit(google, root, "r2", 60, {"Pusher": {}})
    return google


def report(google, run_id: str, *more: str) -> collect.Report:
    with bucket.Copies() as copies:
        source = report_source.VertexRuns(google.config(*more), copies)
        return collect.report(source, run_id)


def test_its_artifacts_say_the_same_from_a_bucket(there, root):
    here = collect.report(OutputRoot(str(root.path)), "r2")

    found = report(there, "r2")

    for name in ("splits", "anomalies", "vocabularies", "epochs", "evaluation"):
        assert getattr(found.run, name) == getattr(here.run, name), name
    assert all((found.run.splits, found.run.epochs, found.run.evaluation))
    assert found.before.id == here.before.id == "r1"
    assert found.moved == here.moved


def test_its_page_has_the_parts_of_the_local_one(there, root):
    here = html.page(collect.report(OutputRoot(str(root.path)), "r2"))

    page = html.page(report(there, "r2"))

    def parts(text: str, heading: str) -> list[str]:
        return re.findall(rf"<{heading}[^>]*>(.*?)</{heading}>", text)

    assert parts(page, "h2") == parts(here, "h2")
    assert parts(page, "h3") == parts(here, "h3")
    assert parts(page, "figcaption") == parts(here, "figcaption")
    assert "lineage reproduce r2" in page


def test_it_runs_in_the_cost_that_its_prices_say(there, root):
    file = root.path / "runs" / "r2" / "config.json"
    settings = json.loads(file.read_text("utf-8"))
    place = {"project": "p", "region": "europe-west4", "image": "i"}
    settings["vertex"] = {**place, "prices": {"cpu_hour": 36.0, "memory_gb_hour": 0.0}}
    file.write_text(json.dumps(settings), encoding="utf-8")
    submit(there, root, "r2", 60)

    page = html.page(report(there, "r2"))

    assert "Time and cost" in page
    assert "USD 0.10" in page


def test_a_refused_model_says_why_and_who_was_told(there, root):
    told = [
        {"channel": "ops", "kind": "slack", "outcome": "sent", "at": 1.8e9, "error": ""}
    ]
    said = {
        "Evaluator": {"verdict_details": json.dumps(REFUSED), "blessed": 0},
        "Notifier": {"told": json.dumps(told)},
    }
    root.execute("r2", "Notifier", ["notification"])
    job = submit(there, root, "r2", 60, said)
    [evaluator] = [t for t in job.job_detail.task_details if t.task_name == "Evaluator"]
    evaluator.outputs["blessing"] = evaluator.outputs["evaluation"]

    run = report(there, "r2").run

    assert (run.summary.outcome, run.summary.node) == ("NOT_BLESSED", "Evaluator")
    assert run.summary.reasons == (REASON,)
    assert [each["channel"] for each in run.told] == ["ops"]
    assert "ops" in html.page(collect.Report(run, None))


def test_a_failed_run_has_a_page_with_the_words_that_it_left(there, root):
    root.run("r3")
    job = submit(there, root, "r3", 90, state="PIPELINE_STATE_FAILED")
    task = job.job_detail.task_details[4]
    task.state, task.error.message = "FAILED", "exited with 1"
    left = {"node": "Trainer", "outcome": "FAILED", "reasons": ["OSError: no disk"]}
    runs = "gs://trips-bucket/millrace/runs/r3"
    there.rest.objects[f"{runs}/failure.json"] = json.dumps(left).encode()
    told = {
        "deliveries": [
            {
                "channel": "ops",
                "kind": "mail",
                "outcome": "lost",
                "at": 1.8e9,
                "error": "no",
            }
        ]
    }
    there.rest.objects[f"{runs}/told.json"] = json.dumps(told).encode()

    page = html.page(report(there, "r3"))

    assert "FAILED at Trainer" in page
    assert "OSError: no disk" in page
    assert "lost: no" in page


def test_what_was_given_at_submission_is_what_it_ran_with(there):
    job = there.jobs.jobs[there.name("r2")]
    given = {"training_model": "linear", "run_date": "2026-03-01", "data_span": ""}
    for name, value in given.items():
        job.runtime_config.parameter_values[name] = value

    run = report(there, "r2").run

    assert run.config["training"]["model"] == "linear"
    assert run.config["data"]["span"] is None


def test_of_a_large_artifact_only_what_is_read_is_copied(there):
    there.rest.objects[f"{FOLDER}/Trainer/model_run/r2/events.out"] = b"large"

    report(there, "r2")

    assert not [r for r in there.rest.requests if "events.out" in r]
    assert [r for r in there.rest.requests if "history.json" in r]


def test_a_name_that_leads_elsewhere_is_not_written(there, tmp_path):
    # Whoever else writes to /tmp has no file of that name.
    name = f"{tmp_path.name}-{uuid.uuid4().hex}.txt"
    there.rest.objects[f"{FOLDER}/../../../../{name}"] = b"x"

    with bucket.Copies() as copies:
        folder = Path(copies.folder(FOLDER, ""))
        outside = [f for f in folder.parents[3].rglob(name)]

    assert outside == []


def test_files_that_are_gone_leave_their_parts_out(there):
    there.rest.objects.clear()

    run = report(there, "r2").run

    assert (run.splits, run.evaluation) == ({}, None)
    assert "Time" in html.page(collect.Report(run, None))


def test_a_bucket_that_may_not_be_read_is_an_error_with_the_role(there):
    there.rest.faults["/storage/v1/b/trips-bucket/o?"] = 403

    with pytest.raises(CloudError, match=r"gs://trips-bucket: 403: .*objectViewer"):
        report(there, "r2")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"state": "PIPELINE_STATE_RUNNING"}, "r2 still runs: .* status r2 --wait"),
        ({"pipeline_spec": {}}, "r2 is not a run of Millrace"),
    ],
)
def test_what_has_no_page_is_refused(there, change, problem):
    for name, value in change.items():
        setattr(there.jobs.jobs[there.name("r2")], name, value)

    with pytest.raises(UsageError, match=problem):
        report(there, "r2")


def command(google, monkeypatch, *words: str) -> int:
    app = typer.Typer()
    app.command()(vertex_report.report)
    sets = [word for each in google.settings for word in ("--set", each)]
    monkeypatch.setattr("sys.argv", ["vertex_runner.py", *words, *sets])
    return console.run(app)


def test_the_command_writes_the_newest_run_s_page_and_opens_it(
    there, monkeypatch, tmp_path, capsys
):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.chdir(tmp_path)
    name = "--set=pipeline_name=taxi"

    code = command(there, monkeypatch, name, "--open")

    file = Path("output/vertex/r2.html")
    assert (code, capsys.readouterr().out) == (0, f"{file}\n")
    assert "Run r2" in file.read_text("utf-8")
    assert opened == [file.resolve().as_uri()]
