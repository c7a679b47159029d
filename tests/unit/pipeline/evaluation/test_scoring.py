"""Answers of real SavedModels, by slice, in files that TFMA reads."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from pipeline.config.evaluation import Slice
from pipeline.evaluation import metrics, scoring

# x, what the label is, color, hour
ROWS = [
    (0.9, 1, b"red", 7),
    (0.2, 0, b"red", 8),
    (0.8, 0, b"blue", 7),
    (0.6, 1, None, 8),
    (0.1, 0, b"blue", None),
]
SPEC = {
    "x": tf.io.FixedLenFeature([1], tf.float32),
    "y": tf.io.FixedLenFeature([1], tf.int64),
}


def _example(x, y, color, hour) -> bytes:
    def feature(**lists):
        return tf.train.Feature(**lists)

    features = {
        "x": feature(float_list=tf.train.FloatList(value=[x])),
        "y": feature(int64_list=tf.train.Int64List(value=[y])),
        "color": feature(bytes_list=tf.train.BytesList(value=[color] if color else [])),
        "hour": feature(
            int64_list=tf.train.Int64List(value=[] if hour is None else [hour])
        ),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString()


@pytest.fixture
def split(tmp_path) -> str:
    folder = tmp_path / "Split-test"
    folder.mkdir()
    for number, rows in enumerate((ROWS[:3], ROWS[3:])):
        path = str(folder / f"data-{number}.gz")
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for row in rows:
                writer.write(_example(*row))
    return str(folder)


@pytest.fixture
def save(tmp_path):
    """Saves a model that answers x * factor, with its label under a name."""

    def save(factor: float, label: str = "tipped") -> str:
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
        def serve(examples):
            x = tf.io.parse_example(examples, SPEC)["x"]
            return {"probability": factor * x[:, 0]}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
        def transform(examples):
            return {label: tf.io.parse_example(examples, SPEC)["y"][:, 0]}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def by_column(x):
            return {"probability": factor * x}

        path = str(tmp_path / f"model-{factor}-{label}")
        signatures = {
            "serving_default": by_column,
            "serving_examples": serve,
            "transform_features": transform,
        }
        tf.saved_model.save(tf.Module(), path, signatures=signatures)
        return path

    return save


def _spec(**fields) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        signature_name="serving_examples",
        prediction_key="probability",
        label_key="tipped",
        preprocessing_function_names=["transform_features"],
        **fields,
    )


def _config(*specs) -> config_pb2.EvalConfig:
    return config_pb2.EvalConfig(
        model_specs=specs, slicing_specs=[config_pb2.SlicingSpec()]
    )


def _by(*columns: str) -> list[Slice]:
    return [Slice(column=column) for column in columns]


def expected(*numbers: int, factor: float = 1.0) -> dict[str, float]:
    rows = [ROWS[number] for number in numbers]
    return metrics.all_of(
        np.array([y for _, y, _, _ in rows], dtype=float),
        np.array([factor * np.float32(x) for x, _, _, _ in rows]),
    )


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and np.allclose(
        list(one.values()), list(other.values()), rtol=1e-6, equal_nan=True
    )


def test_each_value_of_each_column_is_a_slice_and_a_row_without_it_is_in_none(
    save, split
):
    rules = _by("color", "hour")

    asked = scoring.ask({"": save(1.0)}, split, _config(_spec()), rules)
    scores = dict(scoring.score(asked))

    wanted = {
        (): (0, 1, 2, 3, 4),
        (("color", b"red"),): (0, 1),
        (("color", b"blue"),): (2, 4),
        (("hour", 7),): (0, 2),
        (("hour", 8),): (1, 3),
    }
    assert set(scores) == set(wanted)
    for key, numbers in wanted.items():
        assert same(scores[key][""], expected(*numbers)), key


def test_rows_are_the_same_whatever_the_batch(save, split, monkeypatch):
    question = ({"": save(1.0)}, split, _config(_spec()), _by("color"))
    whole = dict(scoring.score(scoring.ask(*question)))

    monkeypatch.setattr(scoring.records, "BATCH_ROWS", 2)
    parts = dict(scoring.score(scoring.ask(*question)))

    assert whole.keys() == parts.keys()
    assert all(same(whole[key][""], parts[key][""]) for key in whole)


def test_tfma_reads_the_result_of_one_model(save, split, tmp_path):
    config, models = _config(_spec()), {"": save(1.0)}

    scores = scoring.score(scoring.ask(models, split, config, _by("color")))
    scoring.write(str(tmp_path / "out"), scores, models, split, config)

    result = tfma.load_eval_result(str(tmp_path / "out"))
    found = {key: outputs[""][""] for key, outputs in result.slicing_metrics}
    assert set(found) == {(), (("color", "red"),), (("color", "blue"),)}
    values = {name: value["doubleValue"] for name, value in found[()].items()}
    assert same({name: values[name] for name in metrics.METRICS}, expected(*range(5)))
    assert result.config.model_specs[0].label_key == "tipped"


def test_tfma_reads_candidate_and_baseline_and_their_difference(save, split, tmp_path):
    config = _config(_spec(name="new"), _spec(name="old", is_baseline=True))
    models = {"new": save(1.0), "old": save(0.5)}

    scores = scoring.score(scoring.ask(models, split, config))
    scoring.write(str(tmp_path / "out"), scores, models, split, config)

    means = {
        model: tfma.load_eval_result(
            str(tmp_path / "out"), model_name=model
        ).slicing_metrics[0][1][""][""]
        for model in models
    }
    assert means["new"]["mean_prediction"]["doubleValue"] == pytest.approx(0.52)
    assert means["old"]["mean_prediction"]["doubleValue"] == pytest.approx(0.26)
    assert means["new"]["mean_prediction_diff"]["doubleValue"] == pytest.approx(0.26)


def test_a_split_without_rows_is_an_error(save, tmp_path):
    os.mkdir(tmp_path / "Split-empty")

    with pytest.raises(ValueError, match=r"no rows to evaluate in .*Split-empty"):
        scoring.ask({"": save(1.0)}, str(tmp_path / "Split-empty"), _config())


def test_a_baseline_is_judged_on_today_s_truth_whatever_its_own_label_is(save, split):
    config = _config(_spec(name="new"), _spec(name="old", is_baseline=True))
    models = {"new": save(1.0), "old": save(0.5, label="other")}

    scores = dict(scoring.score(scoring.ask(models, split, config)))

    assert same(scores[()]["new"], expected(0, 1, 2, 3, 4))
    assert same(scores[()]["old"], expected(0, 1, 2, 3, 4, factor=0.5))


def test_a_baseline_of_code_that_had_other_signatures_is_an_error(save, split):
    """The Evaluator then judges the candidate as the configuration says."""
    config = _config(_spec(name="new"), _spec(name="old", is_baseline=True))
    old = tf.Module()
    old.serve = tf.function(lambda examples: {"probability": tf.zeros([1])})
    signature = old.serve.get_concrete_function(tf.TensorSpec([None], tf.string))
    path = save(1.0).replace("model", "old")
    tf.saved_model.save(old, path, signatures={"serving_default": signature})

    with pytest.raises(KeyError, match="serving_examples"):
        scoring.ask({"new": save(1.0), "old": path}, split, config)


def test_a_model_says_which_raw_columns_it_reads(save):
    assert scoring.Model(save(1.0), _spec()).columns == ["x"]


def test_a_column_that_no_row_has_makes_no_slice_and_no_other_column_stands_for_it(
    save, split
):
    rules = _by("colour")

    asked = scoring.ask({"": save(1.0)}, split, _config(_spec()), rules)
    scores = dict(scoring.score(asked))

    assert list(scores) == [()]


@pytest.fixture
def half(tmp_path) -> str:
    """The rows, each third of them without a label."""
    folder = tmp_path / "Split-half"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "data.gz"), options="GZIP") as writer:
        for number, (x, y, color, hour) in enumerate(ROWS):
            writer.write(_example(x, -1 if number % 3 == 0 else y, color, hour))
    return str(folder)


def test_rows_without_a_label_are_counted_and_not_judged(save, half):
    asked = scoring.ask({"": save(1.0)}, half, _config(_spec()), _by("color"))

    scores = dict(scoring.score(asked))

    assert asked.unlabelled == 2
    assert same(scores[()][""], expected(1, 2, 4))
    assert scores[()][""]["example_count"] == 3


def test_rows_are_written_as_the_split_that_they_are_read_from(tmp_path):
    target = str(tmp_path / "judged" / "Split-test")
    rows = [_example(*row) for row in ROWS]

    scoring.write_rows(rows, target)

    assert list(scoring.records.serialized(target)) == [rows]


def test_a_split_without_any_label_cannot_be_judged(save, tmp_path):
    folder = tmp_path / "Split-none"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "data.gz"), options="GZIP") as writer:
        writer.write(_example(0.5, -1, b"red", 7))

    with pytest.raises(ValueError, match="has a label"):
        scoring.ask({"": save(1.0)}, str(folder), _config(_spec()))
