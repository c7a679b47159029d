"""Held against TFT on Beam: the same files, constants and answers, without Beam."""

from __future__ import annotations

import filecmp
import os

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx_bsl.tfxio import tf_example_record

from pipeline.analysis import graph, plan

ROWS = [
    {
        "x": [float(row % 13) * 1.7 - 3] if row % 5 else [],
        "wide": [float(row), float(row * row % 101)],
        "word": [f"w{row * row % 23}".encode()] if row % 3 else [],
        "whole": [row % 7 - 1] if row % 4 else [],
        "never": [],
    }
    for row in range(500)
]
SPEC = {
    "x": tf.io.VarLenFeature(tf.float32),
    "wide": tf.io.FixedLenFeature([2], tf.float32),
    "word": tf.io.VarLenFeature(tf.string),
    "whole": tf.io.VarLenFeature(tf.int64),
    "never": tf.io.VarLenFeature(tf.string),
}
METADATA = dataset_metadata.DatasetMetadata.from_feature_spec(SPEC)


def dense(column, default=0):
    shape = [column.dense_shape[0], 1]
    single = tf.SparseTensor(column.indices, column.values, shape)
    return tf.sparse.to_dense(single, default_value=default)[:, 0]


def everything(inputs):
    """Each analyzer that is known, and one that waits for another."""
    x = tf.cast(inputs["x"], tf.float32)
    wide = inputs["wide"]
    centered = wide - tft.mean(wide, reduce_instance_dims=False)
    ids = tft.compute_and_apply_vocabulary(
        inputs["word"], top_k=9, num_oov_buckets=2, vocab_filename="words"
    )
    numbers = tft.compute_and_apply_vocabulary(
        inputs["whole"], frequency_threshold=60, vocab_filename="numbers"
    )
    tft.vocabulary(inputs["word"], vocab_filename="counted", store_frequency=True)
    none = tft.compute_and_apply_vocabulary(inputs["never"], vocab_filename="none")
    return {
        "z": dense(tft.scale_to_z_score(x), 0.0),
        "unit": tft.scale_to_0_1(wide[:, 1]),
        "bucket": dense(tft.bucketize(x, 5)),
        "quantiles": tf.zeros_like(wide[:, :1]) + tft.quantiles(wide[:, 0], 4, 0.01),
        "spread": wide[:, 0] / tft.max(tf.abs(centered[:, 0])),
        "rest": wide[:, 0] * tft.min(wide[:, 1])
        + tf.cast(tft.size(wide), tf.float32) * tf.sqrt(tft.var(wide)),
        "word_id": dense(ids, -9),
        "whole_id": dense(numbers, -9),
        "never_id": dense(none, -9),
    }


def serialized() -> list[bytes]:
    coder = tft.coders.ExampleProtoCoder(METADATA.schema)
    return [
        coder.encode(
            {
                name: row[name]
                if isinstance(SPEC[name], tf.io.VarLenFeature)
                else np.array(row[name])
                for name in SPEC
            }
        )
        for row in ROWS
    ]


@pytest.fixture(scope="module")
def source():
    return tf_example_record.TFExampleRecord(
        file_pattern="", telemetry_descriptors=[], schema=METADATA.schema
    )


@pytest.fixture(scope="module")
def shards(source):
    """Two shards, of batches of 64 rows."""
    from tfx_bsl.coders import example_coder

    schema, rows = METADATA.schema.SerializeToString(), serialized()
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema)
    adapter = source.TensorAdapter()

    def shards():
        for part in (rows[:300], rows[300:]):
            yield (
                adapter.ToBatchTensors(
                    decoder.DecodeBatch(part[start : start + 64]),
                    produce_eager_tensors=True,
                )
                for start in range(0, len(part), 64)
            )

    return shards


@pytest.fixture
def saved(source, shards, tmp_path):
    def saved(name: str = "ours", fn=everything) -> str:
        specs = source.TensorAdapter().OriginalTypeSpecs()
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        planned = graph.Graph(fn, specs, shards, str(scratch))
        planned.save(str(tmp_path / name), METADATA.schema)
        return str(tmp_path / name)

    return saved


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> str:
    """What TFT's own Beam makes of the same."""
    folder = tmp_path_factory.mktemp("stock")
    options = PipelineOptions(
        [
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
            "--direct_running_mode=in_memory",
        ]
    )
    with (
        tft_beam.Context(temp_dir=str(folder / "temp"), force_tf_compat_v1=False),
        beam.Pipeline(options=options) as pipeline,
    ):
        made = (pipeline | beam.Create(ROWS), METADATA) | tft_beam.AnalyzeDataset(
            everything
        )
        _ = made | tft_beam.WriteTransformFn(str(folder / "out"))
    return str(folder / "out")


def answers(folder: str, batch) -> dict[str, np.ndarray]:
    layer = tft.TFTransformOutput(folder).transform_features_layer()
    return {name: value.numpy() for name, value in layer(batch).items()}


def test_files_and_answers_are_those_of_tft_on_beam(saved, stock, shards):
    ours = saved()

    for name in ("transformed_metadata/schema.pbtxt", "transformed_metadata/asset_map"):
        assert filecmp.cmp(os.path.join(ours, name), os.path.join(stock, name), False)
    words = filecmp.dircmp(
        f"{ours}/transform_fn/assets", f"{stock}/transform_fn/assets"
    )
    assert sorted(words.same_files) == ["counted", "none", "numbers", "words"]
    assert words.left_only + words.right_only + words.diff_files == []
    for shard in shards():
        for batch in shard:
            found, expected = answers(ours, batch), answers(stock, batch)
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                # Sums of float32 in another order.
                np.testing.assert_allclose(found[name], value, rtol=2e-6, atol=1e-6)
            break


def test_the_same_data_give_the_same_constants_to_the_last_bit(saved):
    first, second = saved("first"), saved("second")

    assert constants(first) == constants(second)
    assert len(constants(first)) > 20


def constants(folder: str) -> list[bytes]:
    """Every constant of the graph, in order."""
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    with open(f"{folder}/transform_fn/saved_model.pb", "rb") as file:
        model.ParseFromString(file.read())
    found = [
        node.attr["value"].tensor.SerializeToString()
        for meta in model.meta_graphs
        for function in meta.graph_def.library.function
        for node in function.node_def
        if node.op == "Const"
    ]
    return sorted(found)


def test_a_graph_without_analyzers_reads_no_data(saved, shards, monkeypatch):
    read = []
    monkeypatch.setattr(plan.Pass, "_of_shard", lambda *_: read.append(1))

    folder = saved(fn=lambda inputs: {"twice": inputs["wide"] * 2})

    assert read == []
    batch = next(next(shards()))
    assert np.array_equal(answers(folder, batch)["twice"], batch["wide"].numpy() * 2)


@pytest.mark.parametrize(
    "fn",
    [
        lambda i: {
            "y": tft.scale_to_z_score_per_key(
                i["wide"][:, 0], tf.strings.as_string(i["wide"][:, 1])
            )
        },
        lambda i: {"y": tft.scale_to_gaussian(i["wide"])},
        lambda i: {"y": i["wide"] * tft.covariance(i["wide"], tf.float32)[0, 0]},
        lambda i: {"y": tft.bucketize(i["wide"], 3, weights=tf.abs(i["wide"]))},
        lambda i: {
            "y": tft.compute_and_apply_vocabulary(
                i["word"], weights=tf.ones_like(i["word"].values, tf.float32)
            )
        },
        lambda i: {
            "y": tft.compute_and_apply_vocabulary(i["word"], fingerprint_shuffle=True)
        },
        lambda i: {
            "y": tft.apply_vocabulary(
                i["word"], tft.experimental.approximate_vocabulary(i["word"], 5)
            )
        },
    ],
    ids=[
        "a key",
        "L-moments",
        "covariance",
        "weights",
        "weighted words",
        "shuffled words",
        "approximate words",
    ],
)
def test_what_only_beam_can_run_is_told_before_data_are_read(source, tmp_path, fn):
    def shards():
        pytest.fail("the data were read")

    specs = source.TensorAdapter().OriginalTypeSpecs()

    with pytest.raises(plan.UnknownAnalyzerError, match=r"\w"):
        graph.Graph(fn, specs, shards, str(tmp_path))


def test_a_function_that_returns_nothing_is_refused(source, shards, tmp_path):
    specs = source.TensorAdapter().OriginalTypeSpecs()

    with pytest.raises(ValueError, match="a dict of tensors"):
        graph.Graph(lambda inputs: {}, specs, shards, str(tmp_path))
