"""One unit of work from its file to its shards."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipeline.data import files, ingest, reading, records, writing
from pipeline.data.reading import Reject

BUCKETS = {"train": 3, "eval": 1, "test": 1}
KINDS = {"a": "INT", "b": "FLOAT", "c": "BYTES"}


def ingested(names, folder, kinds=KINDS, **options) -> list[ingest.Result]:
    units = files.units([str(name) for name in names])
    plan = ingest.Plan(str(folder), len(units), kinds, BUCKETS, **options)
    for unit in units:
        ingest.ingest(unit, plan)
    return ingest.results(str(folder))


def examples(folder) -> dict[str, list[str]]:
    """Split -> its examples, sorted, as text."""
    return {
        split: sorted(
            str(tf.train.Example.FromString(row))
            for batch in records.serialized(str(folder / f"Split-{split}"))
            for row in batch
        )
        for split in BUCKETS
    }


def files_of(folder) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


@pytest.fixture
def csv_file(tmp_path):
    file = tmp_path / "a.csv"
    lines = [f"{i},{i}.25,t{i % 7}" for i in range(300)]
    file.write_text("\n".join(["a,b,c", *lines, ",,", ""]))
    return file


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_the_result_counts_what_was_read_and_written(csv_file, out):
    [result] = ingested([csv_file], out)

    assert result.read == 301
    assert result.rejected == 0
    assert result.rejects == ()
    assert result.error is None
    sizes = {split: len(rows) for split, rows in examples(out).items()}
    assert result.written == sizes
    assert sum(sizes.values()) == 301


def test_nothing_but_the_shards_is_left(csv_file, out):
    ingested([csv_file], out)

    assert files_of(out) == [
        f"Split-{split}/data_tfrecord-00000-of-00001.gz" for split in sorted(BUCKETS)
    ]
    assert not (out / ".partial").exists()


@pytest.mark.parametrize("block", [200, 1000, 1 << 20])
def test_neither_examples_nor_splits_depend_on_the_batches(
    csv_file, out, tmp_path, monkeypatch, block
):
    ingested([csv_file], out)
    monkeypatch.setattr(reading, "BLOCK_BYTES", block)

    ingested([csv_file], tmp_path / "other")

    assert examples(tmp_path / "other") == examples(out)


@pytest.mark.parametrize("group", [1000, 50])
def test_csv_and_parquet_of_the_same_rows_give_the_same_splits(
    csv_file, out, tmp_path, group
):
    columnar = tmp_path / "a.parquet"
    table = pa.table(
        {
            "c": pa.array([*(f"t{i % 7}" for i in range(300)), None]),
            "a": pa.array([*range(300), None], pa.int32()),
            "b": pa.array([*(i + 0.25 for i in range(300)), None]),
        }
    )
    pq.write_table(table, columnar, row_group_size=group)

    ingested([csv_file], out)
    ingested([columnar], tmp_path / "other")

    assert examples(tmp_path / "other") == examples(out)


def test_the_order_of_a_csvs_columns_does_not_matter(csv_file, out, tmp_path):
    turned = tmp_path / "turned.csv"
    cells = [line.split(",") for line in csv_file.read_text().splitlines()]
    turned.write_text("".join(f"{c},{a},{b}\n" for a, b, c in cells))

    ingested([csv_file], out)
    ingested([turned], tmp_path / "other")

    assert examples(tmp_path / "other") == examples(out)


def test_a_row_keeps_its_split_when_others_come_and_go(csv_file, out, tmp_path):
    lines = csv_file.read_text().splitlines()
    part = tmp_path / "part.csv"
    part.write_text("\n".join([lines[0], "-1,0.5,new", *lines[100:200], ""]))

    ingested([csv_file], out)
    ingested([part], tmp_path / "other")

    whole, fewer = examples(out), examples(tmp_path / "other")
    kept = {split: set(rows) & set(whole[split]) for split, rows in fewer.items()}
    assert sum(map(len, kept.values())) == 100
    assert sum(map(len, fewer.values())) == 101


def test_each_unit_has_shards_of_its_own(csv_file, out, tmp_path):
    columnar = tmp_path / "b.parquet"
    pq.write_table(pa.table({"a": list(range(20))}), columnar, row_group_size=10)

    results = ingested([csv_file, columnar], out)

    assert [result.read for result in results] == [301, 10, 10]
    assert files_of(out) == sorted(
        f"Split-{split}/data_tfrecord-{number:05d}-of-00003.gz"
        for split in BUCKETS
        for number in range(3)
    )


def test_rejects_come_back_with_their_lines(out, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('a,c\n1,"x\ny"\ntwelve,z\n3\n')

    [result] = ingested([file], out)

    assert sorted(result.rejects, key=lambda reject: reject.row) == [
        Reject(str(file), 2, 4, "a", "twelve", "is not a whole number"),
        Reject(str(file), 3, 5, None, "3", "has 1 fields; the header has 2"),
    ]
    assert result.read == 3
    assert result.rejected == 2
    assert sum(result.written.values()) == 1


def test_a_row_of_two_misfits_is_counted_once(out, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("a,b\nx,y\n1,1\n")

    [result] = ingested([file], out)

    assert len(result.rejects) == 2
    assert result.rejected == 1


def test_rejects_of_row_groups_are_counted_by_the_rows_of_the_file(out, tmp_path):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1.0, 2.5, 3.0, 4.5]}), file, row_group_size=2)

    results = ingested([file], out)

    assert [[r.row for r in result.rejects] for result in results] == [[2], [4]]


@pytest.mark.parametrize("head", ["", "twelve,1\n"], ids=["fitting", "with-a-misfit"])
def test_a_file_that_ends_early_is_an_error_of_its_unit(
    out, tmp_path, monkeypatch, head
):
    """Its rows so far are not under Split-*; the other unit's are."""
    monkeypatch.setattr(reading, "BLOCK_BYTES", 2000)
    broken, whole = tmp_path / "a.csv.gz", tmp_path / "b.csv"
    text = f"a,c\n{head}" + "".join(f"{i},{i * 7919}\n" for i in range(20000))
    content = gzip.compress(text.encode())
    broken.write_bytes(content[: len(content) // 2])
    whole.write_text("a,c\n1,2\n")

    first, second = ingested([broken, whole], out)

    assert str(broken) in first.error
    assert second.error is None
    assert files_of(out) == [
        f"Split-{split}/data_tfrecord-00001-of-00002.gz" for split in sorted(BUCKETS)
    ]


def test_an_error_that_nobody_expected_is_raised_and_leaves_no_shard(
    csv_file, out, monkeypatch
):
    def fail(rows):
        raise RuntimeError("boom")

    monkeypatch.setattr(writing, "encoded", fail)

    with pytest.raises(RuntimeError, match="boom"):
        ingested([csv_file], out)

    assert not [name for name in files_of(out) if name.startswith("Split-")]


def test_rows_of_an_equal_column_stay_together(csv_file, out):
    ingested([csv_file], out, split_by="c")

    places: dict[str, set[str]] = {}
    for split in BUCKETS:
        for batch in records.batches(str(out / f"Split-{split}")):
            for value in batch.column("c").to_pylist():
                places.setdefault(str(value), set()).add(split)
    assert len(places) == 8
    assert all(len(found) == 1 for found in places.values())


def test_no_more_than_two_batches_are_read_ahead(csv_file, out, monkeypatch):
    """Memory stays bounded, whatever the file."""
    monkeypatch.setattr(reading, "BLOCK_BYTES", 200)
    read, written, ahead = [], [], []
    batches, write = reading.batches, writing.Shards.write

    def counted(*args):
        for batch in batches(*args):
            read.append(batch)
            yield batch

    def observed(shards, rows, places):
        ahead.append(len(read) - len(written))
        written.append(rows)
        write(shards, rows, places)

    monkeypatch.setattr(reading, "batches", counted)
    monkeypatch.setattr(writing.Shards, "write", observed)

    ingested([csv_file], out)

    assert len(written) > 10
    assert max(ahead) == 3
