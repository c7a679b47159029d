"""Units of work, and how a file is opened."""

from __future__ import annotations

import gzip
import hashlib
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipeline.data import files, reading
from pipeline.data.files import Unit
from pipeline.data.reading import Asked
from pipeline.errors import DataUnreadable


def parquet(file, rows, group):
    pq.write_table(pa.table({"a": list(range(rows))}), file, row_group_size=group)
    return str(file)


def test_a_csv_is_one_unit_and_a_parquet_one_for_each_row_group(tmp_path):
    columnar = parquet(tmp_path / "a.parquet", rows=25, group=10)

    found = files.units(["x.csv", columnar, "y.csv.gz"])

    assert found == [
        Unit("x.csv", 0),
        Unit(columnar, 1, row_group=0, first_row=1),
        Unit(columnar, 2, row_group=1, first_row=11),
        Unit(columnar, 3, row_group=2, first_row=21),
        Unit("y.csv.gz", 4),
    ]


def test_rows_are_counted_anew_in_each_file(tmp_path):
    first = parquet(tmp_path / "a.parquet", rows=3, group=2)
    second = parquet(tmp_path / "b.parquet", rows=3, group=2)

    found = files.units([first, second])

    assert [unit.first_row for unit in found] == [1, 3, 1, 3]
    assert [unit.number for unit in found] == [0, 1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n" * 100])
def test_what_is_no_parquet_is_unreadable_by_name(tmp_path, content):
    file = tmp_path / "a.parquet"
    file.write_bytes(content)

    with pytest.raises(DataUnreadable, match=rf"{file}: cannot be read as parquet"):
        files.units([str(file)])


def test_a_parquet_without_its_end_is_unreadable_by_name(tmp_path):
    file = tmp_path / "a.parquet"
    parquet(file, rows=5000, group=1000)
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(DataUnreadable, match=str(file)):
        files.units([str(file)])


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_file_that_is_gone_says_what_to_do(tmp_path, name):
    with (
        pytest.raises(DataUnreadable, match=name) as unreadable,
        files.opened(str(tmp_path / name)),
    ):
        pass

    assert "run again" in str(unreadable.value)


def test_a_gzip_is_opened_decompressed(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))

    with files.opened(str(tmp_path / "a.csv.gz")) as stream:
        assert stream.read() == b"a\n1\n"


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """Files of gs://bucket/ come from a folder, through TFX's class for buckets."""

    def opened(path: str, mode: str) -> tf.io.gfile.GFile:
        return tf.io.gfile.GFile(path.replace("gs://bucket", str(tmp_path)), mode)

    monkeypatch.setattr(files.fileio, "open", opened)
    return tmp_path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_bucket_is_read_as_a_folder_is(bucket, name):
    text = "a\n" + "".join(f"{i}\n" for i in range(100_000))
    if name == "a.csv":
        (bucket / name).write_text(text)
    elif name == "a.csv.gz":
        (bucket / name).write_bytes(gzip.compress(text.encode()))
    else:
        parquet(bucket / name, rows=100_000, group=60_000)

    units = files.units([f"gs://bucket/{name}"])
    batches = [b for unit in units for b in reading.batches(unit, {"a": "INT"})]

    found = [row for b in batches if b.read for row in b.rows.column("a").to_pylist()]
    assert found == list(range(100_000))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_file_that_is_gone_from_a_bucket_is_named(bucket, name):
    """TensorFlow opens it lazily: the first read is what fails."""
    unit = Unit(f"gs://bucket/{name}", 0)

    with pytest.raises(DataUnreadable, match=f"gs://bucket/{name}"):
        list(reading.batches(unit, {"a": "INT"}))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_the_bytes_that_were_read_of_a_bucket_are_digested(bucket, name, monkeypatch):
    """Once, also when a long row makes the reader begin again."""
    monkeypatch.setattr(reading, "BLOCK_BYTES", 64)
    text = ("a\n" + "1\n" * 50 + "z" * 500 + "\n").encode()
    content = gzip.compress(text) if name.endswith("gz") else text
    (bucket / name).write_bytes(content)
    digest = files.Digest()

    unit, asked = Unit(f"gs://bucket/{name}", 0), Asked(digest=digest)
    rows = sum(batch.read for batch in reading.batches(unit, {}, asked))

    assert rows == 51
    assert digest.sha256 == hashlib.sha256(content).hexdigest()


def test_what_was_not_read_to_its_end_has_no_digest(bucket):
    (bucket / "a.csv").write_text("a\n" + "1\n" * 100_000)
    digest = files.Digest()

    with files.arrow_stream("gs://bucket/a.csv", digest) as stream:
        stream.read(5)

    assert digest.sha256 is None


@pytest.mark.parametrize("name", ["a.csv", "a.csv.GZ"])
def test_arrow_reads_from_a_disk_without_python(tmp_path, name):
    """Its threads read ahead: in Python's code they abort a process that ends."""
    content = gzip.compress(b"a\n1\n") if name.endswith("GZ") else b"a\n1\n"
    (tmp_path / name).write_bytes(content)

    with files.arrow_stream(str(tmp_path / name), files.Digest()) as stream:
        assert isinstance(stream, pa.OSFile | pa.CompressedInputStream)
        assert stream.read() == b"a\n1\n"


def test_a_stamp_changes_also_where_times_are_set_back(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("1")
    before, times = files.stamp(str(file)), file.stat()

    file.write_text("2")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert file.stat().st_mtime_ns == times.st_mtime_ns
    assert files.stamp(str(file)) != before


def test_a_stamp_of_what_is_gone_names_it(tmp_path):
    for name in (f"{tmp_path}/a.csv", f"file://{tmp_path}/a.csv"):
        with pytest.raises(DataUnreadable, match=r"a\.csv: cannot be read"):
            files.stamp(name)
