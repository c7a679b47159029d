"""The compiled job holds what Vertex needs and TFX leaves out."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.config import config as config_lib
from pipeline.errors import ConfigError
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job import job_digest
from pipeline.vertex.job.job import Job

OVERRIDES = (
    "data.pattern={SPAN}/*",
    "vertex.labels={team: rides}",
    "vertex.resources.ExampleGen={cpu: 2, memory_gb: 16}",
    "vertex.resources.Trainer={cpu: 8, memory_gb: 32}",
    "vertex.resources.Trainer.accelerator=NVIDIA_TESLA_T4",
    "vertex.resources.Trainer.accelerator_count=2",
    "vertex.retries={Trainer: {count: 2, backoff_s: 30}}",
    "vertex.parameters=[training.model, training.train_steps, data.span]",
    "notifications.channels.team={kind: service, url: 'sm://projects/p/secrets/s/versions/1'}",
)


def compiled(*overrides: str) -> dict:
    config = config_lib.load((), overrides, platform="vertex").config
    return vertex.compile_job(config).to_dict()


@pytest.fixture(scope="module")
def job() -> dict:
    return compiled(*OVERRIDES)


@pytest.fixture
def spec(job) -> dict:
    return job["pipelineSpec"]


@pytest.fixture
def tasks(spec) -> dict:
    return spec["components"]["tfx-dag"]["dag"]["tasks"]


def container(spec: dict, node: str) -> dict:
    return spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]


def test_the_spec_is_one_of_kfps_and_of_its_executors(spec):
    """Strict: a field that the service does not know is an error here."""
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(
        spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig()
    )


def test_the_same_configuration_gives_the_same_job(job):
    assert json.dumps(compiled(*OVERRIDES)) == json.dumps(job)


def test_resources_reach_every_node_also_example_gen(spec):
    """Trap 8: TFX drops those of ExampleGen."""
    assert container(spec, "ExampleGen")["resources"] == {
        "cpuLimit": 2.0,
        "memoryLimit": 16.0,
    }
    assert container(spec, "Trainer")["resources"] == {
        "cpuLimit": 8.0,
        "memoryLimit": 32.0,
        "accelerator": {"type": "NVIDIA_TESLA_T4", "count": "2"},
    }
    assert "resources" not in container(spec, "Pusher")


def test_retries_stand_where_the_service_reads_them(tasks):
    assert tasks["Trainer"]["retryPolicy"] == {
        "maxRetryCount": 2,
        "backoffDuration": "30s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "600s",
    }
    assert "retryPolicy" not in tasks["Pusher"]


def test_a_parameter_reaches_its_task_through_every_level(spec, tasks):
    """Traps 4 and 5: with an exit handler TFX's own break off halfway."""
    declared = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
    for component in (
        spec["root"],
        spec["components"]["tfx-dag"],
        spec["components"]["Trainer"],
    ):
        assert component["inputDefinitions"]["parameters"]["training_model"] == declared
    passed = {"componentInputParameter": "training_model"}
    graph = spec["root"]["dag"]["tasks"]["tfx-dag"]
    assert graph["inputs"]["parameters"]["training_model"] == passed
    assert tasks["Trainer"]["inputs"]["parameters"]["training_model"] == passed
    assert "training_model" not in tasks["Evaluator"]["inputs"]["parameters"]
    assert container(spec, "Trainer")["args"][:4] == [
        "--parameter",
        "training_train_steps=custom_config:training.train_steps",
        "--parameter",
        "training_model=custom_config:training.model",
    ]


def test_the_driver_of_example_gen_is_ours_and_gets_the_span(spec):
    driver = container(spec, "ExampleGen")["lifecycle"]["preCacheCheck"]

    assert driver["command"] == ["python", "-m", "pipeline.vertex.job.task"]
    assert driver["args"][:3] == ["--parameter", "data_span=range_config:", "--driver"]


def test_every_task_starts_through_our_entry_point(spec):
    commands = {
        tuple(executor["container"]["command"])
        for executor in spec["deploymentSpec"]["executors"].values()
        if "container" in executor
    }

    assert commands == {("python", "-m", "pipeline.vertex.job.task")}


def test_the_notifier_is_never_taken_from_the_cache(tasks):
    """A model that is refused each night must not look like a success."""
    assert tasks["Notifier"]["cachingOptions"] == {"enableCache": False}
    assert tasks["Trainer"]["cachingOptions"] == {"enableCache": True}


def test_a_model_is_compared_with_one_of_its_own_pipeline(spec):
    """TFX's query finds the newest blessed model of any pipeline in the project."""
    executor = "BaselineResolver-model-blessing-resolver_executor"
    resolver = spec["deploymentSpec"]["executors"][executor]["resolver"]

    assert resolver["outputArtifactQueries"]["model_blessing"]["filter"] == (
        'schema_title="tfx.ModelBlessing" AND state=LIVE '
        "AND metadata.blessed.number_value=1 "
        'AND metadata.pipeline_name.string_value="chicago-taxi"'
    )


@pytest.mark.parametrize(
    ("component", "key"),
    [("Evaluator", "baseline_model"), ("BaselineResolver-model-resolver", "input")],
)
def test_the_first_run_needs_no_model_to_compare_with(spec, component, key):
    inputs = spec["components"][component]["inputDefinitions"]["artifacts"]

    assert inputs[key]["isOptional"] is True


def test_a_registered_version_is_told_how_to_explain_itself():
    image = "vertex.model.serving_image=europe-docker.pkg.dev/p/serving:1"
    tasks = compiled(image)["pipelineSpec"]["components"]["tfx-dag"]["dag"]["tasks"]
    given = tasks["Pusher"]["inputs"]["parameters"]["registry"]

    explained = json.loads(given["runtimeValue"]["constant"])["explanation"]
    assert explained["metadata"]["inputs"]["fare"]["input_tensor_name"] == "fare"


def test_the_exit_handler_comes_after_everything(spec):
    handler = spec["root"]["dag"]["tasks"]["ExitHandler"]

    assert handler["dependentTasks"] == ["tfx-dag"]
    assert handler["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert handler["inputs"]["parameters"]["final_status"] == {
        "taskFinalStatus": {"producerTask": "tfx-dag"}
    }


def test_no_path_of_this_machine_is_in_the_job(tmp_path):
    """The data of the default configuration and a baseline lie in packages."""
    baseline = config_lib.ROOT / "transform" / "baseline.pb"
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    statistics.datasets.add(name="train", num_examples=1)
    try:
        baseline.write_bytes(statistics.SerializeToString())
        job = compiled("validation.baseline_statistics=transform/baseline.pb")
    finally:
        baseline.unlink()

    tasks = job["pipelineSpec"]["components"]["tfx-dag"]["dag"]["tasks"]
    inputs = tasks["ExampleGen"]["inputs"]["parameters"]
    assert inputs["input_base"]["runtimeValue"]["constant"] == (
        "package:tfx/examples/chicago_taxi_pipeline/data/simple"
    )
    inputs = tasks["SchemaValidator"]["inputs"]["parameters"]
    assert inputs["baseline"]["runtimeValue"]["constant"] == (
        "package:transform/baseline.pb"
    )
    assert str(config_lib.ROOT) not in json.dumps(job)


def test_labels_are_the_jobs(job):
    assert job["labels"]["team"] == "rides"


def test_the_job_is_sealed_and_says_where_it_runs():
    job = compiled(
        "vertex.service_account=runner@p.iam.gserviceaccount.com",
        "vertex.caching=false",
        "vertex.failure_policy=fast",
    )

    assert job_digest.is_intact(Job(job))
    assert job["serviceAccount"] == "runner@p.iam.gserviceaccount.com"
    assert job["runtimeConfig"]["failurePolicy"] == "PIPELINE_FAILURE_POLICY_FAIL_FAST"
    graph = job["pipelineSpec"]["components"]["tfx-dag"]["dag"]["tasks"]
    assert {task["cachingOptions"].get("enableCache") for task in graph.values()} == {
        False
    }


def test_without_a_vertex_layer_nothing_is_compiled():
    config = config_lib.load((), ()).config

    with pytest.raises(ConfigError, match="vertex: project, region and image"):
        vertex.compile_job(config)
