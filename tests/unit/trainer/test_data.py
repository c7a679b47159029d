"""Transformed TFRecords as tf.data, and labels nothing can be learned from."""

from __future__ import annotations

import pytest
import tensorflow as tf

from models.inputs import CategoryInput, NumericInput
from trainer import data
from transform.features import Features

FEATURES = Features.model_validate(
    {
        "numeric": ["miles"],
        "buckets": {"latitude": 10},
        "vocabulary": {"company": {"size": 100, "oov_buckets": 4}},
        "integers": {"hour": 24},
        "label": {"name": "tipped", "rule": "equals", "column": "tip", "value": "1"},
    }
)


class FakeTransform:
    """What the Transform node leaves, as far as the trainer asks."""

    def transformed_feature_spec(self):
        return {
            "miles_z": tf.io.FixedLenFeature([], tf.float32),
            "tipped": tf.io.FixedLenFeature([], tf.int64),
        }

    def vocabulary_size_by_name(self, name: str) -> int:
        return {"company_id": 7}[name]


@pytest.fixture
def write(tmp_path):
    """Writes transformed examples, a (miles, label) each; returns the file."""

    def write(rows, name: str = "part-0.gz") -> str:
        path = str(tmp_path / name)
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for miles, label in rows:
                features = {
                    "miles_z": tf.train.Feature(
                        float_list=tf.train.FloatList(value=[miles])
                    ),
                    "tipped": tf.train.Feature(
                        int64_list=tf.train.Int64List(value=[label])
                    ),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString())
        return path

    return write


def test_all_files_of_a_split_are_loaded_with_the_label_apart(write):
    files = [write([(1.0, 0), (2.0, 1)], "a.gz"), write([(3.0, 0)], "b.gz")]

    loaded = list(data.load(files, FakeTransform(), "tipped"))

    assert [
        (features["miles_z"].numpy().tolist(), label.numpy().tolist())
        for features, label in loaded
    ] == [([1.0], [0]), ([2.0], [1]), ([3.0], [0])]
    assert set(loaded[0][0]) == {"miles_z"}


@pytest.mark.parametrize(("label", "positives"), [(0, 0), (1, 2)])
def test_a_label_of_one_class_is_refused_with_what_to_look_at(write, label, positives):
    file = write([(1.0, label), (2.0, label)])

    with pytest.raises(ValueError, match="one class") as caught:
        data.load([file], FakeTransform(), "tipped")

    assert str(caught.value) == (
        f"label 'tipped' has one class only: {positives} of 2 examples are positive in "
        f"{file}. Expected both classes. Check features.label (rule, column, "
        "threshold) and the raw column it reads."
    )


def test_both_classes_are_enough():
    assert data.require_both_classes(tf.constant([[0], [1]]), "tipped", ["a"]) is None


def test_a_split_without_examples_is_refused_with_its_files(write):
    file = write([])

    with pytest.raises(ValueError, match="no examples") as caught:
        data.load([file], FakeTransform(), "tipped")

    assert str(caught.value) == f"no examples in {file}"


def test_each_role_becomes_an_input_that_holds_all_its_ids():
    specs = data.input_specs(FEATURES, FakeTransform())

    assert specs == [
        NumericInput("miles_z"),
        CategoryInput("latitude_bucket", 11),
        CategoryInput("company_id", 11),
        CategoryInput("hour_int", 25),
    ]
