"""Is there data to read, and does the refusal say what to do?"""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import config
from pipeline.config import config as config_lib
from pipeline.config.data import DataConfig
from pipeline.data import preflight
from pipeline.errors import ConfigError, UsageError


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
        "every file is read that matches data.pattern, so move them away, or say "
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


# CSV


def test_a_folder_inside_the_folder_is_passed_over(data):
    (data / "a.csv").write_text("x\n1\n")
    (data / "old").mkdir()

    assert check(data) == [data / "a.csv"]


@pytest.mark.parametrize("content", ["x,y\n", "x,y"])
def test_a_header_alone_is_refused(data, content):
    (data / "a.csv").write_text(content)

    assert refusal(data) == f"{data}/a.csv: has a header and no rows"


def test_a_byte_order_mark_is_not_part_of_the_first_name(data):
    (data / "a.csv").write_bytes(b"\xef\xbb\xbfx,y\n1,2\n")
    (data / "b.csv").write_bytes(b"x,y\n1,2\n")

    assert len(check(data)) == 2


def test_a_byte_that_is_not_utf_8_is_named_with_line_and_place(data):
    (data / "a.csv").write_bytes(b"name,n\ncaf\xc3\xa9,1\ncaf\xe9,2\n")

    assert refusal(data) == (
        f"{data}/a.csv: line 3, byte 4: 0xE9 is not UTF-8. "
        "Convert the file, for example: iconv -f LATIN1 -t UTF-8 'a.csv' "
        "> 'utf-8-a.csv'"
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


def test_the_same_columns_in_another_order_are_fine(data):
    (data / "a.csv").write_text("x,y\n1,2\n")
    (data / "b.csv").write_text("y,x\n4,3\n")

    assert len(check(data)) == 2


def test_a_cell_longer_than_pythons_limit_is_data(data):
    (data / "a.csv").write_text(f"x,y\n{'z' * 200_000},1\n")

    assert check(data) == [data / "a.csv"]


def test_a_header_longer_than_allowed_is_refused_with_the_key(data):
    (data / "a.csv").write_text("x" * 300 + ",y\n1,2\n")

    text = refusal(data, max_header_bytes=256)

    assert f"{data}/a.csv: its header is longer than 256 bytes" in text
    assert "data.max_header_bytes" in text


def test_the_line_of_a_compressed_file_that_is_too_long_is_refused(data):
    with gzip.open(data / "a.csv.gz", "wt") as file:
        file.write("x\n" + "1\n" * 10 + "z" * 5000 + "\n")

    text = refusal(data, max_row_bytes=1024)

    assert f"{data}/a.csv.gz: line 12 is longer than 1 KiB" in text
    assert "data.max_row_bytes" in text


def test_utf_16_is_told_from_latin_1(data):
    (data / "a.csv").write_bytes("x,y\n1,2\n".encode("utf-16"))

    assert refusal(data) == (
        f"{data}/a.csv: starts with FF FE, the mark of UTF-16; expected UTF-8. "
        "Convert it: iconv -f UTF-16 -t UTF-8 'a.csv' > 'utf-8-a.csv'"
    )


def test_utf_16_without_its_mark_is_told_by_its_zero_bytes(data):
    (data / "a.csv").write_bytes("x,y\n1,2\n".encode("utf-16-le"))

    assert "UTF-16LE" in refusal(data)


def test_upper_case_is_as_good_as_lower(data):
    (data / "LOANS.CSV").write_text("x\n1\n")

    assert check(data) == [data / "LOANS.CSV"]


def test_the_pattern_that_is_offered_matches_what_is_there(data):
    (data / "LOANS.CSV").write_text("x\n1\n")
    (data / "notes.txt").write_text("?")

    text = refusal(data)

    assert text.endswith("or say --set 'data.pattern=*.CSV'")
    assert check(data, pattern="*.CSV")


def test_two_ways_to_write_one_span_are_refused(data):
    for name in ("span-1", "span-01"):
        (data / name).mkdir()
        (data / name / "a.csv").write_text("x\n1\n")

    text = refusal(data, pattern="span-{SPAN}/*")

    assert "span-01/a.csv and span-1/a.csv are both span 1" in text


@pytest.mark.parametrize("where", ["data.path", "output_root"])
@pytest.mark.parametrize("name", ["data [v1]", "da*ta", "da?ta"])
def test_a_folder_that_tfx_would_read_as_a_pattern_is_refused(tmp_path, where, name):
    with pytest.raises(ConfigError, match="TFX would read it as a pattern") as refused:
        config_lib.load((), (f"{where}={tmp_path}/{name}",))

    assert where in str(refused.value)


def test_a_parquet_column_that_no_run_reads_is_refused_before_one(data):
    parquet(data / "a.parquet", trip_start_hour=[[1.0]])
    loaded = config_lib.load((), (f"data.path={data}",)).config

    with pytest.raises(ConfigError) as refused:
        preflight.check_columns(loaded, preflight.check(loaded.data))

    assert (
        f"{data}/a.parquet: column 'trip_start_hour' is list<element: double>; "
        "expected one INT a row"
    ) in str(refused.value)


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
