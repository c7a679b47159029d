"""When Transform does the work itself, and when it leaves it to Beam."""

from __future__ import annotations

import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.transform import executor as tfx_transform
from tfx.components.transform import labels
from tfx.proto import example_gen_pb2

from pipeline.components import transform

SCHEMA = 'feature { name: "x" type: FLOAT presence { min_count: 1 } }'


def scaled(inputs):
    return {"y": tft.scale_to_z_score(tf.sparse.to_dense(inputs["x"])[:, 0])}


def by_key(inputs):
    x = tf.sparse.to_dense(inputs["x"])[:, 0]
    return {"y": tft.scale_to_z_score_per_key(x, tf.strings.as_string(x))}


@pytest.fixture(params=["", "file://"], ids=["path", "address"])
def scheme(request):
    return request.param


@pytest.fixture
def asked(tmp_path, scheme):
    """What TFX's executor asks its processor for; the data are 0 to 9."""
    (tmp_path / "schema.pbtxt").write_text(SCHEMA)
    split = tmp_path / "Split-train"
    split.mkdir()
    with tf.io.TFRecordWriter(str(split / "data.gz"), options="GZIP") as writer:
        for number in range(10):
            value = tf.train.Feature(float_list=tf.train.FloatList(value=[number]))
            features = tf.train.Features(feature={"x": value})
            writer.write(tf.train.Example(features=features).SerializeToString())
    inputs = {
        labels.DISABLE_STATISTICS_LABEL: True,
        labels.SCHEMA_PATH_LABEL: f"{scheme}{tmp_path}/schema.pbtxt",
        labels.EXAMPLES_DATA_FORMAT_LABEL: example_gen_pb2.FORMAT_TF_EXAMPLE,
        labels.ANALYZE_DATA_PATHS_LABEL: [f"{scheme}{split}/*"],
        labels.PREPROCESSING_FN: scaled,
        labels.FORCE_TF_COMPAT_V1_LABEL: False,
    }
    outputs = {
        labels.TRANSFORM_METADATA_OUTPUT_PATH_LABEL: f"{scheme}{tmp_path}/graph",
        labels.TRANSFORM_MATERIALIZE_OUTPUT_PATHS_LABEL: [],
        labels.TEMP_OUTPUT_LABEL: str(tmp_path / "temp"),
    }
    return inputs, outputs


@pytest.fixture
def left_to_beam(monkeypatch):
    """What is left to TFX's own."""
    left = []
    monkeypatch.setattr(
        tfx_transform.TransformProcessor,
        "Transform",
        lambda self, inputs, outputs, status_file=None: left.append(inputs),
    )
    return left


def test_in_one_process_the_graph_is_made_of_the_data(asked, left_to_beam):
    inputs, outputs = asked

    transform.Processor(True).Transform(inputs, outputs)

    made = tft.TFTransformOutput(outputs[labels.TRANSFORM_METADATA_OUTPUT_PATH_LABEL])
    row = tf.sparse.from_dense(tf.constant([[4.5], [9.0]]))
    answers = made.transform_features_layer()({"x": row})["y"].numpy()
    assert answers == pytest.approx([0.0, 4.5 / 8.25**0.5], abs=1e-6)
    assert set(made.raw_feature_spec()) == {"x"}
    assert left_to_beam == []


def test_on_workers_it_is_left_to_beam(asked, left_to_beam):
    transform.Processor(False).Transform(*asked)

    assert len(left_to_beam) == 1


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (labels.DISABLE_STATISTICS_LABEL, False),
        (labels.FORCE_TF_COMPAT_V1_LABEL, True),
        (
            labels.EXAMPLES_DATA_FORMAT_LABEL,
            example_gen_pb2.FORMAT_TF_SEQUENCE_EXAMPLE,
        ),
    ],
)
def test_what_is_asked_beyond_the_graph_is_left_to_beam(
    asked, left_to_beam, label, value
):
    inputs, outputs = asked

    transform.Processor(True).Transform({**inputs, label: value}, outputs)

    assert len(left_to_beam) == 1


def test_transformed_rows_are_left_to_beam(asked, left_to_beam, tmp_path):
    inputs, outputs = asked
    outputs[labels.TRANSFORM_MATERIALIZE_OUTPUT_PATHS_LABEL] = [str(tmp_path / "rows")]

    transform.Processor(True).Transform(inputs, outputs)

    assert len(left_to_beam) == 1


def test_an_analyzer_that_only_beam_has_is_left_to_it_and_named(
    asked, left_to_beam, caplog
):
    inputs, outputs = asked

    transform.Processor(True).Transform(
        {**inputs, labels.PREPROCESSING_FN: by_key}, outputs
    )

    assert len(left_to_beam) == 1
    assert "CombinePerKey" in caplog.text
    assert "is left to Beam" in caplog.text
