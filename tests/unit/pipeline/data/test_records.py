"""What was written is read back."""

from __future__ import annotations

import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline.data import records, writing
from pipeline.data.splitting import Splits

SPLITS = Splits({"train": 1})


def written(folder, batches) -> str:
    for number, rows in enumerate(batches):
        with writing.Shards(str(folder), number, len(batches), SPLITS) as shards:
            shards.write(writing.encoded(rows), [0] * rows.num_rows)
    return str(folder / "Split-train")


def rows(start, count) -> pa.RecordBatch:
    numbers = range(start, start + count)
    return pa.RecordBatch.from_pydict(
        {
            "a": pa.array([i if i % 5 else None for i in numbers], pa.int64()),
            "b": pa.array([i / 3 for i in numbers], pa.float32()),
            "c": pa.array([f"ü{i}\n".encode() for i in numbers], pa.binary()),
        }
    )


def test_what_was_written_is_read_in_the_shards_order(tmp_path):
    folder = written(tmp_path, [rows(0, 30), rows(30, 12)])

    found = [row for batch in records.batches(folder) for row in batch.to_pylist()]

    expected = pa.Table.from_batches([rows(0, 30), rows(30, 12)]).to_pylist()
    lists = [{k: v if v is None else [v] for k, v in row.items()} for row in expected]
    assert [{k: row[k] or None for k in row} for row in found] == lists


def test_no_more_rows_than_a_batch_are_held(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "BATCH_ROWS", 8)
    folder = written(tmp_path, [rows(0, 20)])

    sizes = [len(batch) for batch in records.serialized(folder)]

    assert sizes == [8, 8, 4]


def test_an_empty_split_has_no_batches(tmp_path):
    folder = written(tmp_path, [rows(0, 0)])

    assert list(records.batches(folder)) == []


def test_the_bytes_are_those_of_the_examples(tmp_path):
    folder = written(tmp_path, [rows(0, 3)])

    [serialized] = records.serialized(folder)

    examples = [tf.train.Example.FromString(row) for row in serialized]
    assert [e.features.feature["c"].bytes_list.value[0] for e in examples] == [
        f"ü{i}\n".encode() for i in range(3)
    ]


def test_a_name_that_is_not_there_is_no_other_column():
    table = pa.RecordBatch.from_pydict({"a": [1], "b": [2]})

    assert records.place_of(table, "b") == 1
    assert not records.has_column(table, "c")
    with pytest.raises(KeyError, match="no row has a column 'c'"):
        records.place_of(table, "c")
