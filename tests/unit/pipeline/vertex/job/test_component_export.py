"""A node of ours works in a pipeline that somebody else writes with kfp.

kfp reads annotations as they are, so this module must not postpone them.
"""

import json
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, components, dsl
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline import errors
from pipeline.config import config as config_lib
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job import component_export, task
from pipeline.vertex.job.job import Job


@pytest.fixture(scope="module")
def job() -> Job:
    config = config_lib.load((), (), platform="vertex").config
    return vertex.compile_job(config)


def loaded(job, name: str, folder: Path):
    file = folder / f"{name}.yaml"
    file.write_text(component_export.component(job, name), "utf-8")
    return components.load_component_from_file(str(file))


def compiled(pipeline, folder: Path) -> dict:
    compiler.Compiler().compile(pipeline, str(folder / "pipeline.yaml"))
    return yaml.safe_load((folder / "pipeline.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    "name", ["examplegen", "schemavalidator", "evaluator", "pusher", "notifier"]
)
def test_every_component_is_a_spec_and_loads(job, name, tmp_path):
    text = component_export.component(job, name)

    json_format.ParseDict(yaml.safe_load(text), pipeline_spec_pb2.PipelineSpec())
    assert loaded(job, name, tmp_path).name == name


def test_two_of_them_make_a_pipeline_of_kfps_own(job, tmp_path):
    example_gen = loaded(job, "ExampleGen", tmp_path)
    statistics_gen = loaded(job, "StatisticsGen", tmp_path)

    @dsl.pipeline(name="other-teams")
    def other_teams(data: str) -> None:
        examples = example_gen(input_base=data)
        statistics_gen(examples=examples.outputs["examples"])

    spec = compiled(other_teams, tmp_path)
    ours = job.executors["StatisticsGen_executor"]
    theirs = spec["deploymentSpec"]["executors"]["exec-statisticsgen"]["container"]
    assert theirs["image"] == ours["container"]["image"]
    assert theirs["command"] == ours["container"]["command"]
    assert theirs["args"][2:] == ours["container"]["args"]
    assert json.loads(theirs["args"][1]) == {
        "examples": "tfx.Examples",
        "statistics": "tfx.ExampleStatistics",
    }
    task = spec["root"]["dag"]["tasks"]["examplegen"]["inputs"]["parameters"]
    assert task["input_base"] == {"componentInputParameter": "data"}


def test_the_container_of_such_a_pipeline_reads_rows(job, tmp_path, repository):
    """What kfp made of it is executed, with the values and types that Vertex gives."""
    example_gen = loaded(job, "examplegen", tmp_path)

    @dsl.pipeline(name="other-teams")
    def other_teams() -> None:
        example_gen()

    spec = compiled(other_teams, tmp_path)
    container = spec["deploymentSpec"]["executors"]["exec-examplegen"]["container"]
    rows = (Path(_taxi()) / "data.csv").read_text("utf-8").splitlines()[:41]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("\n".join(rows) + "\n", "utf-8")
    declared = spec["components"]["comp-examplegen"]["inputDefinitions"]["parameters"]
    values = {name: of["defaultValue"] for name, of in declared.items()}
    invocation = {
        "inputs": {"parameterValues": {**values, "input_base": str(tmp_path / "data")}},
        "outputs": {
            "artifacts": {
                "examples": {
                    "artifacts": [
                        {
                            "name": "projects/1/artifacts/1",
                            "type": {"schemaTitle": "system.Artifact"},
                            "uri": str(tmp_path / "examples"),
                        }
                    ]
                }
            },
            "outputFile": str(tmp_path / "run" / "task" / "executor_output.json"),
        },
    }
    words = [
        word.replace("{{$}}", json.dumps(invocation)) for word in container["args"]
    ]
    words[words.index("--runs_folder") + 1] = str(tmp_path / "runs")

    task.main(words)

    splits = {folder.name for folder in (tmp_path / "examples").iterdir()}
    assert {"Split-train", "Split-eval", "Split-test"} <= splits
    written = json.loads((tmp_path / "run/task/executor_output.json").read_text())
    [artifact] = written["artifacts"]["examples"]["artifacts"]
    assert artifact["metadata"]["rows_read"] == 40
    assert artifact["metadata"]["input_fingerprint"].startswith("files:1,")


def test_what_is_no_component_is_named_with_those_that_are(job):
    with pytest.raises(errors.UsageError) as caught:
        component_export.component(job, "resolver")

    assert str(caught.value) == (
        "'resolver' is not a component of the pipeline. Known: evaluator, examplegen, "
        "notifier, pusher, schemavalidator, statisticsgen, trainer, transform"
    )


def _taxi() -> str:
    return config_lib.load(()).config.data.path
