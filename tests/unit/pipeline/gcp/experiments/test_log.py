"""A run in its experiment, as Google's own SDK reads it."""

from __future__ import annotations

import pytest
from google.cloud import aiplatform
from google.oauth2 import credentials

from pipeline.config import config as config_lib
from pipeline.errors import CloudUnavailable
from pipeline.gcp.experiments import log
from pipeline.gcp.experiments.contexts import Experiment, Patience
from pipeline.platforms import settings
from tests.fakes import server, vertex_metadata, vertex_tensorboard

EPOCHS = [
    {"epoch": 1, "loss": 0.5, "val_auc": 0.8},
    {"epoch": 2, "loss": 0.25, "val_auc": 0.9},
]
RUN = "trips-20261125"


@pytest.fixture
def metadata():
    return vertex_metadata.VertexMetadata(server.Operations(), with_store=False)


@pytest.fixture
def boards():
    return vertex_tensorboard.Tensorboards()


@pytest.fixture
def cloud(metadata, boards):
    services = (metadata._operations, metadata, boards)
    with server.running(*services) as cloud, cloud.here():
        yield cloud


@pytest.fixture
def config():
    return config_lib.load(
        overrides=[
            f"vertex.project={server.PROJECT}",
            f"vertex.region={server.REGION}",
            "vertex.experiment=trips",
            f"vertex.tensorboard={vertex_tensorboard.BOARD}",
            "training.learning_rate=0.25",
        ],
        platform="vertex",
    ).config


@pytest.fixture
def sdk(cloud):
    aiplatform.init(
        project=server.PROJECT,
        location=server.REGION,
        api_endpoint=cloud.address,
        api_transport="grpc",
        credentials=credentials.Credentials(token="given"),
    )
    return aiplatform


@pytest.fixture
def experiment(cloud, config):
    return Experiment(settings.experiment_place(config), Patience(60))


def place(config) -> str:
    return settings.experiment(config)


def join(config, run=RUN, given=None) -> str:
    return log.join(place(config), run, settings.experiment_params(config, given or {}))


def test_a_run_has_its_parameters_metrics_and_curves(config, sdk):
    log.join(
        place(config),
        RUN,
        settings.experiment_params(config, {"data_span": 7}),
    )
    why = log.finished(
        place(config),
        RUN,
        {"training.model": "dnn"},
        {"auc": 0.9},
        EPOCHS,
    )

    [row] = sdk.Experiment("trips").get_data_frame().to_dict("records")
    assert why == ""
    assert (row["run_name"], row["state"]) == (RUN, "COMPLETE")
    assert row["param.training.learning_rate"] == 0.25
    assert row["param.training.model"] == "dnn"
    assert row["param.parameter.data_span"] == 7
    assert row["param.evaluation.thresholds.auc.min"] == 0.85
    assert row["metric.auc"] == 0.9
    assert row["time_series_metric.val_auc"] == 0.9
    curves = sdk.ExperimentRun(RUN, experiment="trips").get_time_series_data_frame()
    assert curves[["step", "loss"]].values.tolist() == [[1, 0.5], [2, 0.25]]


def test_the_console_finds_the_curves_by_an_artifact_of_the_run(
    config, metadata, cloud
):
    log.finished(place(config), RUN, {}, {}, EPOCHS)

    [artifact] = metadata.resources["artifacts"].values()
    assert artifact.name.endswith(f"/trips-{RUN}-tb-run")
    board = f"{vertex_tensorboard.BOARD}/experiments/trips/runs/{RUN}"
    assert artifact.metadata["resourceName"] == board


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(config, cloud):
    log.join(place(config), RUN, settings.experiment_params(config, {}))

    [request] = cloud.asked("UpdateContext")
    assert request.context.etag


def test_a_retried_task_writes_the_same_again(config, sdk, boards):
    for _ in range(2):
        why = log.finished(place(config), RUN, {}, {"auc": 0.9}, EPOCHS)
        assert why == ""

    assert len(sdk.Experiment("trips").get_data_frame()) == 1
    assert sorted(len(points) for points in boards.points.values()) == [2, 2]


def test_the_pipeline_job_is_linked_as_soon_as_vertex_knows_it(
    config, metadata, experiment
):
    log.join(place(config), RUN, settings.experiment_params(config, {}))
    name = experiment.name_of(RUN)
    metadata._create("contexts", _job_context(), _request(RUN), "context_id")

    log.finished(place(config), RUN, {}, {}, [])

    parents = metadata.resources["contexts"][name].parent_contexts
    assert list(parents) == [experiment.name_of(f"trips-{RUN}")]


def _job_context():
    return aiplatform.gapic.Context(
        schema_title="system.PipelineRun", schema_version="0.0.1"
    )


def _request(context_id: str):
    return aiplatform.gapic.CreateContextRequest(
        parent=vertex_metadata.STORE, context_id=context_id
    )


def test_a_run_that_failed_says_so(config, experiment):
    log.join(place(config), RUN, settings.experiment_params(config, {}))

    log.stopped(place(config), RUN, "FAILED")

    [run] = experiment.runs()
    assert (run.name, run.state) == (RUN, "FAILED")
    assert run.params["training.learning_rate"] == 0.25


def test_runs_come_newest_first(config, experiment):
    for name in ("trips-1", "trips-2"):
        log.join(
            place(config),
            name,
            settings.experiment_params(config, {}),
        )

    assert [run.name for run in experiment.runs()] == ["trips-2", "trips-1"]


def test_a_project_without_a_metadata_store_has_no_runs(experiment):
    assert experiment.runs() == []


@pytest.mark.parametrize("code", ["UNAVAILABLE", "PERMISSION_DENIED"])
def test_a_service_that_says_no_never_fails_the_run(config, cloud, code):
    cloud.faults.extend([("CreateContext", code, "not now")] * 9)

    why = log.finished(place(config), RUN, {}, {"auc": 0.9}, EPOCHS)

    assert "write into the experiment trips" in why
    assert "not now" in why


def test_the_time_for_all_requests_together_is_limited():
    now = [0.0]
    patience = Patience(60, clock=lambda: now[0])
    now[0] = 55.0
    assert patience.left() == 5
    now[0] = 61.0

    with pytest.raises(CloudUnavailable, match="took too long"):
        patience.left()


def test_without_an_experiment_nothing_is_asked(cloud):
    config = config_lib.load(platform="vertex").config

    assert (
        log.join(
            place(config),
            RUN,
            settings.experiment_params(config, {}),
        )
        == ""
    )
    assert log.finished(place(config), RUN, {}, {}, []) == ""
    assert cloud.calls == []
