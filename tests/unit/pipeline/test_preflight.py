"""Is there data to read, and does the refusal say what to do?"""

from __future__ import annotations

import csv

import pytest

from pipeline import preflight
from pipeline.errors import UsageError


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def refusal(path) -> str:
    with pytest.raises(UsageError) as caught:
        preflight.check(str(path))
    return str(caught.value)


def test_good_files_are_returned_sorted(data):
    for name in ("b.csv", "a.csv"):
        (data / name).write_text("x,y\n1,2\n")

    assert preflight.check(str(data)) == [data / "a.csv", data / "b.csv"]


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
    assert refusal(data) == (f"data.path: no CSV file in {data}; seen there: nothing")


def test_a_folder_without_csv_is_refused_with_what_it_holds(data):
    (data / "trips.parquet").write_bytes(b"PAR1")

    assert refusal(data) == (
        f"data.path: no CSV file in {data}; seen there: trips.parquet"
    )


def test_a_foreign_file_is_refused_because_it_would_be_read(data):
    (data / "a.csv").write_text("x\n1\n")
    (data / "README.md").write_text("about\n")

    assert refusal(data) == (
        f"data.path: {data} holds files that are not CSV (README.md); "
        "all files of the folder are read, so move them away"
    )


def test_a_folder_inside_the_folder_is_passed_over(data):
    (data / "a.csv").write_text("x\n1\n")
    (data / "old").mkdir()

    assert preflight.check(str(data)) == [data / "a.csv"]


def test_an_empty_file_is_refused(data):
    (data / "a.csv").write_bytes(b"")

    assert refusal(data) == f"{data}/a.csv: is empty; expected a header and rows"


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


def test_another_header_in_a_second_file_is_refused_with_the_difference(data):
    (data / "a.csv").write_text("x,y\n1,2\n")
    (data / "b.csv").write_text("x,z\n1,2\n")

    assert refusal(data) == (
        f"{data}/b.csv: its header differs from a.csv's: only here: z; only there: y. "
        "All files of a data set need the same columns in the same order."
    )


def test_the_same_columns_in_another_order_are_refused(data):
    (data / "a.csv").write_text("x,y\n1,2\n")
    (data / "b.csv").write_text("y,x\n1,2\n")

    assert refusal(data) == (
        f"{data}/b.csv: its header differs from a.csv's: "
        "only here: nothing; only there: nothing. "
        "All files of a data set need the same columns in the same order."
    )


# A sample


def rows(file) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_a_sample_takes_the_first_rows_over_several_files(data, tmp_path):
    (data / "a.csv").write_text("x,y\n1,a\n2,b\n")
    (data / "b.csv").write_text("x,y\n3,c\n4,d\n")

    preflight.sample(preflight.check(str(data)), 3, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [
        ["x", "y"],
        ["1", "a"],
        ["2", "b"],
        ["3", "c"],
    ]


def test_a_sample_counts_a_row_with_quoted_newlines_once(data, tmp_path):
    (data / "a.csv").write_text('x,y\n1,"two\nlines, ""quoted"""\n2,b\n3,c\n')

    preflight.sample(preflight.check(str(data)), 2, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [
        ["x", "y"],
        ["1", 'two\nlines, "quoted"'],
        ["2", "b"],
    ]


def test_a_sample_larger_than_the_data_is_the_data(data, tmp_path):
    (data / "a.csv").write_text("x\n1\n2\n")

    preflight.sample(preflight.check(str(data)), 100, tmp_path / "sample")

    assert rows(tmp_path / "sample" / "sample.csv") == [["x"], ["1"], ["2"]]


def test_a_sample_is_good_data_itself_and_replaces_an_older_one(data, tmp_path):
    (data / "a.csv").write_text("x\n1\n2\n")
    folder = tmp_path / "sample"

    preflight.sample(preflight.check(str(data)), 2, folder)
    preflight.sample(preflight.check(str(data)), 1, folder)

    assert preflight.check(str(folder)) == [folder / "sample.csv"]
    assert rows(folder / "sample.csv") == [["x"], ["1"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "sample"]
