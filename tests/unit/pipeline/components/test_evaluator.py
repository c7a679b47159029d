"""Who computes the Evaluator's metrics, and that it is the same evaluation."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from pipeline import beam_arguments
from pipeline.components import evaluator
from pipeline.config import config as config_lib
from pipeline.config.evaluation import EvaluationConfig
from pipeline.data.in_process import IN_PROCESS, in_process
from pipeline.evaluation.eval_config import eval_config
from transform.features import NO_LABEL

POLICY = EvaluationConfig.model_validate(
    {
        "slices": [
            {"column": "age", "ranges": [30, 50]},
            {"columns": ["sex", "age"], "ranges": {"age": [50]}, "largest": 2},
            {"column": "sex"},
            {"column": "colour"},
        ]
    }
)
SCHEMA = """
feature { name: "sex" type: BYTES }
feature { name: "age" type: INT }
feature { name: "late" type: INT }
"""
SPEC = {
    "age": tf.io.FixedLenFeature([1], tf.int64),
    "late": tf.io.FixedLenFeature([1], tf.int64),
}


def rows(count: int):
    """Older people are late, of women more; each seventh has no label."""
    for number in range(count):
        age, sex = 20 + number * 7 % 50, (b"f", b"m")[number % 2]
        late = age > (40 if sex == b"f" else 50)
        row = tf.train.Example()
        features = row.features.feature
        features["sex"].bytes_list.value.append(sex)
        features["age"].int64_list.value.append(age)
        features["late"].int64_list.value.append(late if number % 7 else NO_LABEL)
        yield row.SerializeToString()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A model that goes by the age, its splits and the schema."""
    folder = tmp_path_factory.mktemp("inputs")
    examples, model, schema = (
        kind() for kind in (standard_artifacts.Examples, standard_artifacts.Model,
                            standard_artifacts.Schema)
    )  # fmt: skip
    examples.split_names = '["train", "eval", "test"]'
    examples.set_string_custom_property("file_format", "tfrecords_gzip")
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    for split, count in (("train", 300), ("eval", 100), ("test", 200)):
        path = folder / "examples" / f"Split-{split}"
        path.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(path / "data.gz"), options="GZIP") as writer:
            for row in rows(count):
                writer.write(row)
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_text(SCHEMA)
    save(folder / "model" / "Format-Serving")
    examples.uri, model.uri, schema.uri = (
        str(folder / name) for name in ("examples", "model", "schema")
    )
    return {"examples": [examples], "model": [model], "schema": [schema]}


def save(path: Path) -> None:
    def answer(age):
        return {"probability": tf.cast(age, tf.float32) / 70}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serve(examples):
        return answer(tf.io.parse_example(examples, SPEC)["age"][:, 0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def transform(examples):
        return {"late": tf.io.parse_example(examples, SPEC)["late"][:, 0]}

    signatures = {
        "serving_default": tf.function(
            answer, input_signature=[tf.TensorSpec([None], tf.int64, "age")]
        ),
        "serving_examples": serve,
        "transform_features": transform,
    }
    tf.saved_model.save(tf.Module(), str(path), signatures=signatures)


def evaluate(
    folder: Path, inputs, beam_args: list[str], scheme: str = ""
) -> tuple[dict, dict, dict]:
    """Verdict, metrics and explanation as they are written."""
    config = config_lib.load((), ["features.label.name=late"]).config
    config = config.model_copy(update={"evaluation": POLICY})
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=beam_args, tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    outputs = {
        "evaluation": [standard_artifacts.ModelEvaluation()],
        "blessing": [standard_artifacts.ModelBlessing()],
    }
    for name, [artifact] in outputs.items():
        (folder / name).mkdir(parents=True)
        artifact.uri = f"{scheme}{folder / name}"
    properties = {
        "eval_config": proto_utils.proto_to_json(eval_config(config)),
        "example_splits": '["test"]',
        "policy": POLICY.model_dump_json(),
        "pipeline_name": "late",
    }

    evaluator.Executor(context).Do(inputs, outputs, properties)

    names = ("verdict", "metrics", "explanation")
    verdict, metrics, explanation = (
        json.loads((folder / "evaluation" / f"{name}.json").read_text())
        for name in names
    )
    return verdict, metrics, explanation


@pytest.fixture(scope="module")
def here(tmp_path_factory, inputs):
    """In one process, of addresses as Vertex gives them."""
    addressed = copy.deepcopy(inputs)
    for [artifact] in addressed.values():
        artifact.uri = f"file://{artifact.uri}"
    folder = tmp_path_factory.mktemp("here")
    return evaluate(folder, addressed, [IN_PROCESS], "file://")


@pytest.fixture(scope="module")
def there(tmp_path_factory, inputs):
    """By TFMA's pipeline, as Beam's workers run it."""
    folder = tmp_path_factory.mktemp("there")
    return evaluate(folder, inputs, ["--runner=DirectRunner"])


def test_workers_measure_the_slices_that_one_process_measures(here, there):
    (_, ours, _), (_, theirs, _) = here, there

    assert ours["slices"] == theirs["slices"]
    assert ours["slices"]["age in [30, 50]"] == [
        "age=[-inf, 30)",
        "age=[30, 50)",
        "age=[50, inf)",
    ]
    assert ours["slices"]["colour"] == []
    assert set(ours["candidate"]) == set(theirs["candidate"])
    for name, values in ours["candidate"].items():
        assert theirs["candidate"][name] == pytest.approx(values, abs=1e-6), name


def test_what_costs_nothing_stands_beside_a_model_of_workers_too(here, there):
    (ours, _, _), (theirs, _, _) = here, there

    assert theirs == ours
    assert ours["blessed"]
    overall = [each for each in ours["rivals"] if each["slice"] == "overall"]
    assert [each["column"] for each in overall] == ["", "age"]
    assert f"{len(range(0, 200, 7))} rows have no label" in ours["not_judged"]


def test_intervals_and_curves_are_made_of_workers_metrics_too(here, there):
    (_, _, ours), (_, _, theirs) = here, there

    assert theirs["intervals"] == ours["intervals"]
    assert theirs["curves"] == ours["curves"]


@pytest.mark.parametrize(
    "sets",
    [
        ["beam.runner=multi_processing"],
        ["beam.runner=flink", "beam.flink={job_endpoint: 'h:1', worker_pool: 'h:2'}"],
        ["beam.runner=spark", "beam.spark={job_endpoint: 'h:1', worker_pool: 'h:2'}"],
        ["beam.runner=dataflow", "output_root=gs://bucket/root"],
    ],
    ids=["multi_processing", "flink", "spark", "dataflow"],
)
def test_every_runner_but_ours_is_of_workers(sets):
    config = config_lib.load((), sets, platform="vertex").config

    assert not in_process(beam_arguments.arguments(config))
