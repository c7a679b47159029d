"""Raw TFRecords as transformed columns, and labels nothing can be learned from."""

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

    def raw_feature_spec(self):
        return {
            "miles": tf.io.VarLenFeature(tf.float32),
            "tip": tf.io.VarLenFeature(tf.int64),
        }

    def transform_features_layer(self):
        """A graph that doubles the miles; each column is of shape (rows,)."""
        return lambda raw: {
            "miles_z": 2 * tf.sparse.to_dense(raw["miles"])[:, 0],
            "tipped": tf.sparse.to_dense(raw["tip"])[:, 0],
        }

    def vocabulary_size_by_name(self, name: str) -> int:
        return {"company_id": 7}[name]


@pytest.fixture
def write(tmp_path):
    """Writes raw examples, a (miles, tip) each; returns the file."""

    def write(rows, name: str = "part-0.gz") -> str:
        path = str(tmp_path / name)
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for miles, label in rows:
                features = {
                    "miles": tf.train.Feature(
                        float_list=tf.train.FloatList(value=[miles])
                    ),
                    "tip": tf.train.Feature(
                        int64_list=tf.train.Int64List(value=[label])
                    ),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString())
        return path

    return write


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "address"])
def test_all_files_of_a_split_are_loaded_with_the_label_apart(write, scheme):
    files = [write([(1.0, 0), (2.0, 1)], "a.gz"), write([(3.0, 0)], "b.gz")]
    files = [f"{scheme}{file}" for file in files]

    loaded = data.load(files, FakeTransform(), "tipped")

    assert set(loaded.columns) == {"miles_z"}
    assert loaded.columns["miles_z"].numpy().tolist() == [[2.0], [4.0], [6.0]]
    assert loaded.labels.numpy().tolist() == [[0], [1], [0]]
    assert len(loaded) == 3


def _rows_of(dataset) -> list[tuple[float, int]]:
    return [
        (float(x), int(y))
        for columns, labels in dataset
        for x, y in zip(columns["x"].numpy()[:, 0], labels.numpy()[:, 0], strict=True)
    ]


def test_batches_keep_each_row_with_its_label_in_any_order():
    x = tf.range(100, dtype=tf.float32)[:, None]
    examples = data.Examples({"x": x}, tf.cast(x > 49, tf.int64))
    rows = [(float(n), int(n > 49)) for n in range(100)]

    plain = examples.batches(32)
    shuffled = examples.batches(32, seed=7)

    assert [len(labels) for _, labels in plain] == [32, 32, 32, 4]
    assert _rows_of(plain) == rows
    first, second = _rows_of(shuffled), _rows_of(shuffled)
    assert sorted(first) == sorted(second) == rows
    assert len({tuple(first), tuple(second), tuple(rows)}) == 3
    assert _rows_of(examples.batches(32, seed=7)) == first


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
        CategoryInput("company_id", 12),
        CategoryInput("hour_int", 26),
    ]


def test_rows_whose_label_nobody_knows_are_left_out(write):
    file = write([(1.0, 1), (2.0, -1), (3.0, 0)])

    found = data.load([file], FakeTransform(), "tipped")

    assert found.labels.numpy().tolist() == [[1], [0]]
    assert found.columns["miles_z"].numpy().tolist() == [[2.0], [6.0]]


def test_a_split_without_any_label_has_not_both_classes(write):
    with pytest.raises(ValueError, match="0 of 0 examples are positive"):
        data.load([write([(1.0, -1)])], FakeTransform(), "tipped")
