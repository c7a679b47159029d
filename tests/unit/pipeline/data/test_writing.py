"""Shards: whole or not there."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline.data import records, writing
from pipeline.data.splitting import Splits

SPLITS = Splits({"train": 3, "test": 1})
ROWS = pa.RecordBatch.from_pydict(
    {
        "a": pa.array([1, None, 3], pa.int64()),
        "b": pa.array([1.5, 2.5, None], pa.float32()),
        "c": pa.array([b"x", b"", None], pa.binary()),
    }
)


def files_of(folder) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


def test_a_null_is_a_feature_without_values():
    examples = [tf.train.Example.FromString(row) for row in writing.encoded(ROWS)]

    found = [
        {
            "a": list(example.features.feature["a"].int64_list.value),
            "b": list(example.features.feature["b"].float_list.value),
            "c": list(example.features.feature["c"].bytes_list.value),
        }
        for example in examples
    ]
    assert found == [
        {"a": [1], "b": [1.5], "c": [b"x"]},
        {"a": [], "b": [2.5], "c": [b""]},
        {"a": [3], "b": [], "c": []},
    ]


def test_a_slice_is_encoded_as_its_rows_are():
    parts = [row for i in range(3) for row in writing.encoded(ROWS.slice(i, 1))]

    found = [tf.train.Example.FromString(row) for row in parts]
    expected = [tf.train.Example.FromString(row) for row in writing.encoded(ROWS)]
    assert found == expected


def test_a_column_without_any_value_is_there_in_every_row():
    rows = pa.RecordBatch.from_pydict(
        {"a": pa.nulls(2, pa.int64()), "c": pa.nulls(2, pa.binary())}
    )

    examples = [tf.train.Example.FromString(row) for row in writing.encoded(rows)]

    assert [set(example.features.feature) for example in examples] == [{"a", "c"}] * 2


def test_each_row_goes_to_the_split_at_its_place(tmp_path):
    with writing.Shards(str(tmp_path), 3, 12, SPLITS) as shards:
        shards.write([b"one", b"two"], [1, 0])
        shards.write([b"three"], [1])

    name = "data_tfrecord-00003-of-00012.gz"
    assert files_of(tmp_path) == [f"Split-test/{name}", f"Split-train/{name}"]
    assert list(records.serialized(str(tmp_path / "Split-train"))) == [[b"two"]]
    assert list(records.serialized(str(tmp_path / "Split-test"))) == [
        [b"one", b"three"]
    ]
    assert shards.counts == [1, 2]


def test_a_split_without_rows_gets_an_empty_shard_that_can_be_read(tmp_path):
    with writing.Shards(str(tmp_path), 0, 1, SPLITS) as shards:
        shards.write([], [])

    shard = tmp_path / "Split-train" / "data_tfrecord-00000-of-00001.gz"
    assert gzip.decompress(shard.read_bytes()) == b""
    assert list(records.serialized(str(shard.parent))) == []
    assert shards.counts == [0, 0]


def test_no_shard_has_its_name_before_it_is_complete(tmp_path):
    with writing.Shards(str(tmp_path), 0, 1, SPLITS) as shards:
        shards.write([b"one"], [0])
        during = files_of(tmp_path)

    assert during
    assert all(name.startswith(".partial/") for name in during)
    assert not any(name.startswith(".partial/") for name in files_of(tmp_path))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_no_shard_under_its_name(tmp_path, error):
    def write():
        with writing.Shards(str(tmp_path), 0, 1, SPLITS) as shards:
            shards.write([b"one"], [0])
            raise error

    with pytest.raises(error):
        write()

    assert not [name for name in files_of(tmp_path) if name.startswith("Split-")]


def test_a_worker_that_starts_over_replaces_what_it_left(tmp_path):
    for rows in ([b"one", b"two"], [b"three"]):
        with writing.Shards(str(tmp_path), 0, 1, SPLITS) as shards:
            shards.write(rows, [0] * len(rows))

    assert list(records.serialized(str(tmp_path / "Split-train"))) == [[b"three"]]
    assert len(files_of(tmp_path)) == 2
