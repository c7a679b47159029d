"""A CSV's bytes: where it is not UTF-8, and what it may ask of memory."""

from __future__ import annotations

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data import lines
from pipeline.data.lines import Limits
from pipeline.errors import DataUnreadable


def header(content: bytes, **limits) -> list[str]:
    return lines.header(io.BytesIO(content), "a.csv", Limits(**limits))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n", ["a", "b"]),
        (b"\xef\xbb\xbfa,b\n", ["a", "b"]),
        (b'\xef\xbb\xbf"a x",b\n', ["a x", "b"]),
        (b"\n\r\na,b", ["a", "b"]),
        (b'"two\nlines",b\n1,2\n', ["two\nlines", "b"]),
        ("größe,b\n".encode(), ["größe", "b"]),
        (b"", []),
    ],
)
def test_the_header_is_the_first_row_without_the_mark(content, expected):
    assert header(content) == expected


def test_the_header_may_be_as_long_as_the_limit_and_no_longer():
    line = b"x" * 98 + b",y"

    assert len(header(line + b"\n1,2\n", header_bytes=101)) == 2
    with pytest.raises(DataUnreadable, match="longer than 50 bytes"):
        header(line + b"\n1,2\n", header_bytes=50)


def test_an_open_quote_does_not_make_a_header_of_the_file():
    with pytest.raises(DataUnreadable, match="does it end"):
        header(b'"a,b\n' + b"1,2\n" * 500, header_bytes=1000)


def test_twenty_thousand_names_are_counted_once_each(monkeypatch):
    """Each name is compared in a table, not with all the others."""
    compared = 0

    class Name(str):
        __slots__ = ()

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    lines.require_once("a.csv", [Name(f"c{i}") for i in range(20_000)])

    assert compared < 1_000


def scan(content: bytes, **limits) -> str | None:
    try:
        lines.require_text(io.BytesIO(content), "a.csv", Limits(**limits))
    except DataUnreadable as error:
        return str(error)
    return None


@given(
    rows=st.lists(st.text(max_size=8).map(str.encode), max_size=6),
    bad=st.sampled_from([b"\xff", b"\xe9x", b"\xc3(", b"\xe2\x82"]),
    place=st.integers(0, 6),
    block=st.integers(1, 9),
)
def test_the_first_bad_byte_is_named_wherever_a_block_ends(rows, bad, place, block):
    rows = [row.replace(b"\n", b"").replace(b"\r", b"") for row in rows]
    at = min(place, len(rows))
    before = b"".join(row + b"\n" for row in rows[:at])
    content = before + bad + b"\n" + b"\n".join(rows[at:])

    class Blocks(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, block))

    with pytest.raises(DataUnreadable) as refused:
        lines.require_text(Blocks(content), "a.csv", Limits())

    wanted = f"line {at + 1}, byte 1: 0x{bad[0]:02X} is not UTF-8"
    assert wanted in str(refused.value)


def test_text_is_good_wherever_a_block_ends():
    content = "a,größe,€\n1,2,🙂\n".encode()

    for block in range(1, len(content)):
        pieces = (content[i : i + block] for i in range(0, len(content), block))
        stream = iter(itertools.chain(pieces, [b""]))

        class Blocks:
            def read(self, size, stream=stream):
                return next(stream)

        lines.require_text(Blocks(), "a.csv", Limits())


def test_a_character_that_the_file_cuts_off_is_named():
    assert "line 2, byte 2: 0xE2" in scan(b"a\nx\xe2\x82")


@pytest.mark.parametrize("end", [b"", b"\n", b"\nx\n"])
def test_a_line_that_is_too_long_is_named(end):
    text = scan(b"a\nb\n" + b"x" * 3000 + end, row_bytes=1024)

    assert "a.csv: line 3 is longer than 1 KiB, which is data.max_row_bytes" in text


def test_many_lines_are_not_one_long_line():
    assert scan(b"xxxxxxxx\n" * 5000, row_bytes=1024) is None
