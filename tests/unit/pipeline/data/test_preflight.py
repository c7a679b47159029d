"""Is there data to read, and does the refusal say what to do?"""

from __future__ import annotations

import csv
import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import config
from pipeline.config import config as config_lib
from pipeline.config.data import DataConfig
from pipeline.data import preflight
from pipeline.errors import UsageError


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def check(path, **settings):
    return preflight.check(DataConfig(path=str(path), schema_file="x", **settings))


def refusal(path, **settings) -> str:
    with pytest.raises(UsageError) as caught:
        check(path, **settings)
    return str(caught.value)


def test_good_files_are_returned_sorted(data):
    for name in ("b.csv", "a.csv"):
        (data / name).write_text("x,y\n1,2\n")

    assert check(data) == [data / "a.csv", data / "b.csv"]


def test_a_missing_folder_is_named(tmp_path):
    assert refusal(tmp_path / "gone") == (
        f"data.path: there is no folder {tmp_path}/gone"
    )


def test_a_file_instead_of_a_folder_is_refused_with_what_to_type(data):
    file = data / "a.csv"
    file.write_text("x\n1\n")

    assert refusal(file) == (
        f"data.path: {file} is a file; expected the folder that holds it. "
        f"Try --set data.path={data}"
    )


def test_an_empty_folder_is_refused(data):
    assert refusal(data) == (
        f"data.path: no file in {data} matches data.pattern '*'; seen there: nothing"
    )


def test_a_pattern_that_matches_nothing_is_refused_with_what_is_there(data):
    (data / "day-1").mkdir()
    (data / "a.csv").write_text("x\n1\n")

    assert refusal(data, pattern="span-{SPAN}/*") == (
        f"data.path: no file in {data} matches data.pattern 'span-{{SPAN}}/*'; "
        "seen there: a.csv, day-1"
    )


@pytest.mark.parametrize(
    "pattern", ["{YYYY}-{MM}-{DD}/*", "{YYYY}*/*", "2024-*/*.csv", "*-{SPAN:2}/*"]
)
def test_a_pattern_of_spans_finds_the_files_of_all(data, pattern):
    for day in ("2024-01-01", "2024-01-02"):
        (data / day).mkdir()
        (data / day / "a.csv").write_text("x\n1\n")

    assert check(data, pattern=pattern) == [
        data / "2024-01-01" / "a.csv",
        data / "2024-01-02" / "a.csv",
    ]


def test_a_foreign_file_is_refused_because_it_would_be_read(data):
    (data / "a.csv").write_text("x\n1\n")
    (data / "README.md").write_text("about\n")

    assert refusal(data) == (
        f"data.path: {data} holds files that are neither CSV nor Parquet (README.md); "
        "every file is read that matches data.pattern, so move them away or say "
        "--set 'data.pattern=*.csv'"
    )
    assert check(data, pattern="*.csv") == [data / "a.csv"]


def test_csv_and_parquet_in_one_folder_are_refused(data):
    (data / "a.csv").write_text("x\n1\n")
    parquet(data / "b.parquet", x=[1])

    assert refusal(data) == (
        f"data.path: {data} holds CSV and Parquet (a.csv, b.parquet); choose one: "
        "--set 'data.pattern=*.csv' or --set 'data.pattern=*.parquet'"
    )


@pytest.mark.parametrize(
    "settings", [{"path": "gs://bucket/data"}, {"path": "x", "query": "SELECT 1"}]
)
def test_what_only_a_service_knows_is_not_checked_here(settings):
    assert preflight.check(DataConfig(schema_file="x", **settings)) == []


# Compressed files, and Parquet


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)


def test_gzip_and_parquet_are_data_too(data):
    with gzip.open(data / "a.csv.gz", "wt") as file:
        file.write("x\n1\n")
    (data / "more").mkdir()
    parquet(data / "more" / "b.parquet", x=[1])

    assert check(data, pattern="*.gz") == [data / "a.csv.gz"]
    assert check(data, pattern="more/*") == [data / "more" / "b.parquet"]


def test_a_gzip_that_ends_early_is_refused(data):
    whole = gzip.compress(b"x\n" + bytes(str(list(range(9999))), "ascii") + b"\n")
    (data / "a.csv.gz").write_bytes(whole[:-2000])

    assert refusal(data).startswith(f"{data}/a.csv.gz: ends early or is damaged: ")


def test_a_parquet_that_was_cut_off_is_refused(data):
    parquet(data / "a.parquet", x=list(range(1000)))
    whole = (data / "a.parquet").read_bytes()
    (data / "a.parquet").write_bytes(whole[: len(whole) // 2])

    assert refusal(data).startswith(
        f"{data}/a.parquet: is damaged or not a Parquet file: "
    )


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_file_of_0_bytes_is_refused(data, name):
    (data / name).write_bytes(b"")

    assert refusal(data) == f"{data}/{name}: is empty; expected columns and rows"


def test_a_parquet_without_rows_is_refused(data):
    parquet(data / "a.parquet", x=pa.array([], pa.int64()))

    assert refusal(data) == f"{data}/a.parquet: has columns and no rows"


def test_parquet_files_of_other_columns_are_refused_with_the_difference(data):
    parquet(data / "a.parquet", x=[1], y=[2])
    parquet(data / "b.parquet", z=[1], x=[2])

    assert refusal(data) == (
        f"{data}/b.parquet: its columns differ from {data}/a.parquet's: "
        "only here: z; only there: y. "
        "All files of a data set need the same columns, in any order."
    )


def test_a_sample_of_parquet_takes_the_first_rows_over_several_files(data, tmp_path):
    parquet(data / "a.parquet", x=[1, 2], y=["a", "b"])
    parquet(data / "b.parquet", y=["c", "d"], x=[3, 4])

    preflight.sample(check(data), 3, tmp_path / "sample")

    assert pq.read_table(tmp_path / "sample" / "sample.parquet").to_pydict() == {
        "x": [1, 2, 3],
        "y": ["a", "b", "c"],
    }


def test_a_sample_of_gzip_is_plain_csv(data, tmp_path):
    with gzip.open(data / "a.csv.gz", "wt") as file:
        file.write("x\n1\n2\n")

    preflight.sample(check(data), 1, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [["x"], ["1"]]


# CSV


def test_a_folder_inside_the_folder_is_passed_over(data):
    (data / "a.csv").write_text("x\n1\n")
    (data / "old").mkdir()

    assert check(data) == [data / "a.csv"]


@pytest.mark.parametrize("content", ["x,y\n", "x,y"])
def test_a_header_alone_is_refused(data, content):
    (data / "a.csv").write_text(content)

    assert refusal(data) == f"{data}/a.csv: has a header and no rows"


def test_a_byte_order_mark_is_refused_with_a_command_that_removes_it(data):
    (data / "a.csv").write_bytes(b"\xef\xbb\xbfx,y\n1,2\n")

    assert refusal(data) == (
        f"{data}/a.csv: starts with a byte order mark (EF BB BF), which would become "
        "part of the first column's name. Save it as UTF-8 without BOM, or: "
        rf"sed -i '1s/^\xEF\xBB\xBF//' {data}/a.csv"
    )


def test_a_byte_that_is_not_utf_8_is_named_with_line_and_place(data):
    (data / "a.csv").write_bytes(b"name,n\ncaf\xc3\xa9,1\ncaf\xe9,2\n")

    assert refusal(data) == (
        f"{data}/a.csv: line 3, byte 4: 0xE9 is not UTF-8. "
        "Convert the file, for example: iconv -f LATIN1 -t UTF-8 a.csv"
    )


def test_a_bad_byte_in_a_later_file_is_found(data):
    (data / "a.csv").write_text("name\nx\n")
    (data / "b.csv").write_bytes(b"name\n" + b"x\n" * 5000 + b"\xff\n")

    assert refusal(data).startswith(f"{data}/b.csv: line 5002, byte 1: 0xFF is not")


def test_columns_named_twice_are_refused(data):
    (data / "a.csv").write_text("x,y,x,z,y\n1,2,3,4,5\n")

    assert refusal(data) == f"{data}/a.csv: columns named twice: x, y"


def test_other_columns_in_a_second_file_are_refused_with_the_difference(data):
    (data / "a.csv").write_text("x,y\n1,2\n")
    (data / "b.csv").write_text("x,z\n1,2\n")

    assert refusal(data) == (
        f"{data}/b.csv: its columns differ from {data}/a.csv's: "
        "only here: z; only there: y. "
        "All files of a data set need the same columns, in any order."
    )


def test_the_same_columns_in_another_order_are_fine_also_in_a_sample(data, tmp_path):
    (data / "a.csv").write_text("x,y\n1,2\n")
    (data / "b.csv").write_text("y,x\n4,3\n")

    preflight.sample(check(data), 2, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [
        ["x", "y"],
        ["1", "2"],
        ["3", "4"],
    ]


def test_a_malformed_row_stays_one_in_a_sample(data, tmp_path):
    (data / "a.csv").write_text("x,y\n1,2,3\n4\n")

    preflight.sample(check(data), 2, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv")[1:] == [["1", "2", "3"], ["4"]]


# A sample


def rows(file) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_a_sample_takes_the_first_rows_over_several_files(data, tmp_path):
    (data / "a.csv").write_text("x,y\n1,a\n2,b\n")
    (data / "b.csv").write_text("x,y\n3,c\n4,d\n")

    preflight.sample(check(data), 3, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [
        ["x", "y"],
        ["1", "a"],
        ["2", "b"],
        ["3", "c"],
    ]


def test_a_sample_counts_a_row_with_quoted_newlines_once(data, tmp_path):
    (data / "a.csv").write_text('x,y\n1,"two\nlines, ""quoted"""\n2,b\n3,c\n')

    preflight.sample(check(data), 2, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [
        ["x", "y"],
        ["1", 'two\nlines, "quoted"'],
        ["2", "b"],
    ]


def test_a_sample_larger_than_the_data_is_the_data(data, tmp_path):
    (data / "a.csv").write_text("x\n1\n2\n")

    preflight.sample(check(data), 100, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [["x"], ["1"], ["2"]]


def test_a_sample_is_good_data_itself_and_replaces_an_older_one(data, tmp_path):
    (data / "a.csv").write_text("x\n1\n2\n")
    folder = tmp_path / "sample"

    preflight.sample(check(data), 2, folder)
    preflight.sample(check(data), 1, folder)

    assert check(folder) == [folder / "sample.csv"]
    assert rows(folder / "sample.csv") == [["x"], ["1"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "sample"]


# The files that people reviewed


def with_(tmp_path, **files) -> config.Config:
    keys = {"schema": "data.schema_file", "baseline": "validation.baseline_statistics"}
    overrides = []
    for name, content in files.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        overrides.append(f"{keys[name]}={tmp_path / name}")
    return config.load((), overrides).config


def test_the_reviewed_files_of_the_default_configuration_are_there():
    preflight.check_reviewed(config.load((), ()).config)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"schema": None}, "data.schema_file: {} is not a schema: No such file or dir"),
        ({"schema": b"featur {}"}, "data.schema_file: {} is not a schema: 1:1 : "),
        ({"schema": b"\xff"}, "data.schema_file: {} is not a schema: 'utf-8' codec"),
        (
            {"baseline": None},
            "validation.baseline_statistics: {} holds no statistics: No such file",
        ),
        (
            {"baseline": b"x"},
            "validation.baseline_statistics: {} holds no statistics: ",
        ),
        (
            {"baseline": b""},
            "validation.baseline_statistics: {} holds no statistics: no statistics in",
        ),
    ],
)
def test_a_reviewed_file_that_is_none_is_named_with_the_way_out(
    files, problem, tmp_path
):
    [name] = files

    with pytest.raises(UsageError) as refused:
        preflight.check_reviewed(with_(tmp_path, **files))

    assert str(refused.value).startswith(problem.format(tmp_path / name))
    assert "python local_runner.py schema " in str(refused.value)


@pytest.mark.parametrize(
    ("comparator", "warned"),
    [
        ("", True),
        ("drift_comparator { jensen_shannon_divergence { threshold: 1 } }", 0),
    ],
)
def test_a_baseline_that_no_column_is_compared_with_is_warned_of(
    tmp_path, comparator, warned
):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text(f'feature {{ name: "x" type: INT {comparator} }}')
    sets = [f"data.schema_file={schema}", "validation.baseline_statistics=b.pb"]

    found = preflight.warnings(config_lib.load(overrides=sets).config)

    assert bool(found) is bool(warned)


def test_without_a_baseline_nothing_is_warned_of():
    assert preflight.warnings(config_lib.load().config) == []
