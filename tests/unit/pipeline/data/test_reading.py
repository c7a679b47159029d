"""Every row of a unit comes out once: as a row that fits, or as a reject."""

from __future__ import annotations

import datetime
import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data import files, reading
from pipeline.data.files import Unit
from pipeline.data.lines import Limits
from pipeline.data.reading import Asked, Reject
from pipeline.errors import DataUnreadable

KINDS = {"a": "INT", "b": "FLOAT", "c": "BYTES"}


@pytest.fixture
def small_blocks(monkeypatch):
    """Three or four short rows a block."""
    monkeypatch.setattr(reading, "BLOCK_BYTES", 24)
    monkeypatch.setattr(reading, "BATCH_ROWS", 3)


@pytest.fixture
def csv_file(tmp_path):
    def write(text: str | bytes, name: str = "a.csv") -> str:
        content = text.encode() if isinstance(text, str) else text
        if name.endswith(".gz"):
            content = gzip.compress(content)
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write


@pytest.fixture
def parquet_file(tmp_path):
    def write(columns: dict, group: int = 1000) -> str:
        file = tmp_path / "a.parquet"
        pq.write_table(pa.table(columns), file, row_group_size=group)
        return str(file)

    return write


def read(file, kinds=KINDS):
    """(rows as tuples in the order of the columns' names, rejects, rows read)."""
    rows, rejects, count = [], [], 0
    for unit in files.units([file]):
        for batch in reading.batches(unit, kinds):
            rows += [tuple(row.values()) for row in batch.rows.to_pylist()]
            rejects += batch.rejects
            count += batch.read
    return rows, rejects, count


def lines_of(rejects) -> dict[int, int | None]:
    """Row -> line."""
    return {reject.row: reject.line for reject in reading.with_lines(rejects)}


def test_the_columns_come_by_name_in_the_schemas_types(csv_file):
    file = csv_file("c,a,b\nx,1,2\n,,\ny,3,4.5\n")

    [batch, _] = reading.batches(Unit(file, 0), KINDS)

    assert batch.rows.schema.names == ["a", "b", "c"]
    assert batch.rows.schema.types == [pa.int64(), pa.float32(), pa.binary()]
    assert batch.rows.to_pydict() == {
        "a": [1, None, 3],
        "b": [2.0, None, 4.5],
        "c": [b"x", None, b"y"],
    }


def test_a_column_that_the_schema_does_not_know_is_text(csv_file):
    rows, rejects, _ = read(csv_file("a,mood\n1,007\n2,1.50\n"))

    assert rows == [(1, b"007"), (2, b"1.50")]
    assert rejects == []


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        (["1"] * 40 + [""] * 40, "INT", [1] * 40 + [None] * 40),
        ([""] * 40 + ["1"] * 40, "INT", [None] * 40 + [1] * 40),
        (["1"] * 40 + ["1.5"] * 40, "FLOAT", [1.0] * 40 + [1.5] * 40),
        (["1"] * 40 + ["x"] * 40, "BYTES", [b"1"] * 40 + [b"x"] * 40),
        (["007"] * 80, "BYTES", [b"007"] * 80),
        (["true"] * 40 + ["1"] * 40, "BYTES", [b"true"] * 40 + [b"1"] * 40),
        (["2020-01-01"] * 80, "BYTES", [b"2020-01-01"] * 80),
        (["8.0"] * 40 + ["8"] * 40, "INT", [8] * 80),
    ],
)
def test_the_type_is_the_schemas_and_not_the_first_blocks(
    csv_file, small_blocks, cells, kind, expected
):
    file = csv_file("x,z\n" + "".join(f"{cell},z\n" for cell in cells))
    batches = list(reading.batches(Unit(file, 0), {"x": kind}))

    assert len(batches) > 10
    found = [row["x"] for batch in batches for row in batch.rows.to_pylist()]
    assert found == expected
    assert not any(batch.rejects for batch in batches)


@pytest.mark.parametrize("cell", ["NA", "NULL", "null", "nan", "N/A", "None", "-"])
def test_only_an_empty_cell_is_missing(csv_file, cell):
    rows, _, _ = read(csv_file(f"a,c\n1,{cell}\n2,\n"))

    assert rows == [(1, cell.encode()), (2, None)]


def test_a_file_that_starts_with_empty_lines_keeps_the_schemas_types(csv_file):
    """Arrow skips them before the header; so must whoever names the columns."""
    rows, rejects, _ = read(csv_file("\n\na,c\n1,007\n2,008\n"))

    assert rows == [(1, b"007"), (2, b"008")]
    assert rejects == []


def test_rows_of_another_length_are_rejected_with_their_line(csv_file):
    rows, rejects, count = read(csv_file("a,b\n1,1\n2\n3,3\n4,4,4\n5,5\n"))

    assert rows == [(1, 1.0), (3, 3.0), (5, 5.0)]
    assert count == 5
    assert [(r.row, r.column, r.value, r.reason) for r in rejects] == [
        (2, None, "2", "has 1 fields; the header has 2"),
        (4, None, "4,4,4", "has 3 fields; the header has 2"),
    ]
    assert lines_of(rejects) == {2: 3, 4: 5}


def test_the_row_of_a_misfit_counts_the_malformed_rows_before_it(
    csv_file, small_blocks
):
    bad = {
        7: "7",
        8: "8,8,8",
        20: "x,20",
        21: "21",
        33: "33,x",
        40: "40,40,",
        41: "x,x",
    }
    text = "a,b\n" + "".join(f"{bad.get(i, f'{i},{i}')}\n" for i in range(1, 51))

    rows, rejects, count = read(csv_file(text))

    assert count == 50
    assert [row[0] for row in rows] == [i for i in range(1, 51) if i not in bad]
    assert {reject.row for reject in rejects} == set(bad)
    assert lines_of(rejects) == {row: row + 1 for row in bad}
    assert sorted((r.row, r.column) for r in rejects if r.column) == [
        (20, "a"),
        (33, "b"),
        (41, "a"),
        (41, "b"),
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_breaks_in_quotes_move_the_line_and_not_the_row(
    csv_file, small_blocks, newline
):
    parts = ["a,c", '1,"one', 'two"', "2,x", "", "x,y", '3,"', '"', "4", "5,z", "y,y"]

    rows, rejects, count = read(csv_file(newline.join(parts) + newline))

    assert rows == [
        (1, f"one{newline}two".encode()),
        (2, b"x"),
        (3, newline.encode()),
        (5, b"z"),
    ]
    assert count == 7
    assert lines_of(rejects) == {3: 6, 5: 9, 7: 11}


def test_a_quote_that_is_never_closed_loses_no_row_in_silence(csv_file):
    """The rest of the file would be one cell."""
    file = csv_file('a,c\n1,x\n2,"y\n' + "".join(f"{i},z\n" for i in range(3, 20)))

    with pytest.raises(DataUnreadable, match=file) as unreadable:
        read(file)

    assert "quote" in str(unreadable.value)


def test_quotes_within_text_are_text(csv_file):
    rows, rejects, _ = read(csv_file('a,c\n1,5" disk\n2,"say ""hi"", now"\n'))

    assert rows == [(1, b'5" disk'), (2, b'say "hi", now')]
    assert rejects == []


def test_a_reject_tells_itself_in_one_line(csv_file):
    file = csv_file("a,c\n1,x\ntwelve,y\n")

    [reject] = reading.with_lines(read(file)[1])

    assert reject == Reject(file, 2, 3, "a", "twelve", "is not a whole number")
    assert str(reject) == (
        f"{file}, line 3 (row 2), column 'a': 'twelve' is not a whole number"
    )


def test_a_reject_of_a_parquet_has_a_row_and_no_line():
    reject = Reject("a.parquet", 2, None, "a", "1.5", "is not a whole number")

    assert str(reject) == "a.parquet (row 2), column 'a': '1.5' is not a whole number"


def test_a_very_long_cell_does_not_hide_the_line_of_a_later_reject(csv_file):
    file = csv_file("a,c\n1," + "x" * 200_000 + "\ntwelve,y\n")

    _, rejects, _ = read(file)

    assert lines_of(rejects) == {2: 3}


def test_a_gzip_gives_the_same_rows(csv_file):
    text = "a,b,c\n" + "".join(f"{i},{i}.5,t{i}\n" for i in range(5000)) + "x,1,1\n"

    plain, zipped = csv_file(text), csv_file(text, "a.csv.gz")

    assert read(zipped)[0] == read(plain)[0]
    assert lines_of(read(zipped)[1]) == {5001: 5002}


def test_a_gzip_of_several_members_is_one_file(csv_file, tmp_path):
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(b"a,") + gzip.compress(b"c\n1,007\n"))

    assert read(str(file))[0] == [(1, b"007")]


TEXT = "a,c\n" + "".join(f"{i},{i * 7919}\n" for i in range(20000))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-8],
        lambda content: content[:-6] + b"\xff" + content[-5:],
        lambda content: content[:10] + b"\xff" + content[11:],
        lambda content: b"no" + content,
    ],
    ids=["half", "no-trailer", "wrong-sum", "no-deflate", "no-gzip"],
)
def test_a_damaged_gzip_is_unreadable_by_name(tmp_path, damage):
    file = tmp_path / "a.csv.gz"
    file.write_bytes(damage(gzip.compress(TEXT.encode())))

    with pytest.raises(DataUnreadable, match=str(file)):
        read(str(file))


def test_an_empty_file_is_unreadable_by_name(csv_file):
    file = csv_file("")

    with pytest.raises(DataUnreadable, match=rf"{file}: cannot be read as csv: Empty"):
        read(file)


def test_a_header_alone_has_no_rows(csv_file):
    assert read(csv_file("a,b\n")) == ([], [], 0)


def test_a_file_with_nothing_but_rejects_has_no_rows(csv_file, small_blocks):
    rows, rejects, count = read(csv_file("a,b\n" + "1\n" * 30))

    assert rows == []
    assert count == 30
    assert [reject.row for reject in rejects] == list(range(1, 31))


def test_bytes_that_are_not_utf8_are_unreadable_by_name(csv_file):
    file = csv_file(b"a,c\n1,\xe9\n")

    with pytest.raises(DataUnreadable, match=rf"{file}: .*UTF8"):
        read(file)


def test_columns_named_twice_are_unreadable_by_name(csv_file):
    file = csv_file("a,a\n1,2\n")

    with pytest.raises(DataUnreadable, match=file):
        read(file)


def test_a_parquet_in_the_schemas_types(parquet_file):
    file = parquet_file(
        {
            "c": pa.array(["x", None, "y"]).dictionary_encode(),
            "b": pa.array([1, None, 3], pa.int8()),
            "a": pa.array([1.0, 2.0, None]),
        }
    )

    assert read(file)[0] == [(1, 1.0, b"x"), (2, None, None), (None, 3.0, b"y")]


def test_bools_and_nulls_of_a_parquet(parquet_file):
    file = parquet_file(
        {
            "a": pa.array([True, None]),
            "b": pa.nulls(2),
            "c": pa.array([False, True]),
        }
    )

    assert read(file)[0] == [(1, None, b"false"), (None, None, b"true")]


def test_a_fraction_in_a_column_of_whole_numbers_is_rejected_with_its_row(
    parquet_file, small_blocks
):
    values = [float(i) for i in range(1, 31)]
    values[4], values[21] = 5.5, 22.5

    rows, rejects, count = read(parquet_file({"a": values}, group=10))

    assert count == 30
    assert [row[0] for row in rows] == [i for i in range(1, 31) if i not in (5, 22)]
    assert [(r.row, r.line, r.value) for r in rejects] == [
        (5, None, "5.5"),
        (22, None, "22.5"),
    ]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([datetime.datetime(2020, 1, 1)], "timestamp"),
        ([[1, 2]], "list"),
        ([{"x": 1}], "struct"),
    ],
    ids=["timestamp", "list", "struct"],
)
def test_a_parquet_column_that_no_feature_can_hold_is_named(parquet_file, values, word):
    file = parquet_file({"a": values})

    with pytest.raises(DataUnreadable, match=rf"{file}: column 'a' is {word}"):
        read(file)


def test_a_row_group_is_read_alone(parquet_file):
    file = parquet_file({"a": list(range(25))}, group=10)

    [batch] = reading.batches(Unit(file, 1, row_group=1, first_row=11), KINDS)

    assert batch.rows.to_pydict() == {"a": list(range(10, 20))}


def test_csv_and_parquet_of_the_same_rows_are_the_same_rows(csv_file, parquet_file):
    plain = csv_file(
        "c,b,a\n" + "".join(f"t{i},{i}.1,{i}\n" for i in range(50)) + ",,\n"
    )
    columnar = parquet_file(
        {
            "a": [*range(50), None],
            "b": [*(float(f"{i}.1") for i in range(50)), None],
            "c": [*(f"t{i}" for i in range(50)), None],
        }
    )

    assert read(columnar) == read(plain)


def test_a_byte_order_mark_is_not_part_of_the_first_column(csv_file):
    file = csv_file(b"\xef\xbb\xbfc,a,b\n00501,1,0.5\n")

    rows, rejects, _ = read(file)

    assert (rows, rejects) == ([(1, 0.5, b"00501")], [])


@pytest.mark.parametrize("place", [0, 5, 11])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_row_longer_than_a_block_is_read_once_like_the_others(
    csv_file, small_blocks, name, place
):
    rows = [f"{i},{i}.5,t" for i in range(12)]
    rows[3] = "3,x,malformed,row"
    rows[place] = f"{place},{place}.5,{'z' * 3000}"
    expected = [i for i in range(12) if i != 3]

    found, rejects, count = read(csv_file("a,b,c\n" + "\n".join(rows), name))

    assert [row[0] for row in found] == expected
    assert len(found[expected.index(place)][2]) == 3000
    assert [(reject.row, reject.value) for reject in rejects] == [
        (4, "3,x,malformed,row")
    ]
    assert count == 12


def test_a_row_longer_than_allowed_is_refused_by_its_place(csv_file, small_blocks):
    file = csv_file("a,b,c\n1,1,x\n2,2," + "z" * 9000 + "\n3,3,x\n")

    asked = Asked(limits=Limits(row_bytes=1024))

    with pytest.raises(DataUnreadable, match=r"after row \d is longer than 1 KiB"):
        list(reading.batches(Unit(file, 0), KINDS, asked))


@given(
    rows=st.lists(st.sampled_from(["1,1,a", "1", "x,1,a", '1,1,"q\nq"']), max_size=14),
    asked=st.integers(1, 16),
    block=st.sampled_from([8, 24, 1000]),
)
def test_the_first_rows_are_the_first_whatever_the_blocks(
    tmp_path_factory, rows, asked, block
):
    file = tmp_path_factory.mktemp("rows") / "a.csv"
    file.write_text("\n".join(["a,b,c", *rows, ""]))
    whole = [row for row in rows[:asked] if row in ("1,1,a", '1,1,"q\nq"')]
    bad = [i for i, row in enumerate(rows[:asked], 1) if row in ("1", "x,1,a")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK_BYTES", block)
        found = list(reading.batches(Unit(str(file), 0), KINDS, Asked(rows=asked)))

    assert sum(batch.rows.num_rows for batch in found) == len(whole)
    assert sorted(r.row for batch in found for r in batch.rejects) == bad
    assert sum(batch.read for batch in found) == min(asked, len(rows))


def test_an_error_of_the_consumer_is_not_the_files(csv_file):
    def consume():
        for _ in reading.batches(Unit(csv_file("a\n1\n"), 0), KINDS):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        consume()
