"""A row's split is its own, and only its own."""

from __future__ import annotations

import hashlib
import itertools
import math
import struct

import pyarrow as pa
import pytest

from pipeline.data import splitting
from pipeline.data.splitting import Splits

BUCKETS = {"train": 3, "eval": 1, "test": 1}


def batch(*rows, **types) -> pa.RecordBatch:
    """Rows of the columns a, b, ... in the schema's types."""
    names = list(types)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([row[i] for row in rows], types[name])
            for i, name in enumerate(names)
        ],
        names=names,
    )


def many(rows=1000) -> pa.RecordBatch:
    return batch(
        *((i, i / 8, f"row {i % 97}".encode()) for i in range(rows)),
        a=pa.int64(),
        b=pa.float32(),
        c=pa.binary(),
    )


TEXTS = [None, b"", b"0", b"a", b"ab", b"abc", b"b", b"bc", b"c", b"\0", b"\0\0"]
INTS = [None, 0, 1, -1, 256, 2**63 - 1, -(2**63)]
FLOATS = [None, 0.0, 1.0, -1.0, math.inf]


@pytest.mark.parametrize(
    ("first", "second", "types"),
    [
        (TEXTS, TEXTS, (pa.binary(), pa.binary())),
        (TEXTS, INTS, (pa.binary(), pa.int64())),
        (INTS, TEXTS, (pa.int64(), pa.binary())),
        (INTS, INTS, (pa.int64(), pa.int64())),
        (INTS, FLOATS, (pa.int64(), pa.float32())),
    ],
    ids=["texts", "text-int", "int-text", "ints", "int-float"],
)
def test_different_rows_have_different_keys(first, second, types):
    """("ab", "c") is not ("a", "bc"), and null is neither empty nor 0."""
    rows = list(itertools.product(first, second))

    found = splitting.keys(batch(*rows, a=types[0], b=types[1]))

    assert len(set(found)) == len(rows)


def test_equal_rows_have_equal_keys_wherever_they_stand():
    rows = many()
    twice = pa.Table.from_batches([rows.slice(7), rows]).combine_chunks().to_batches()

    found = splitting.keys(twice[0])

    assert found[:993] == found[1000:]


@pytest.mark.parametrize("size", [1, 7, 999, 1000])
def test_a_place_depends_neither_on_the_batch_nor_on_other_rows(size):
    rows, splits = many(), Splits(BUCKETS)

    parts = [splits.places(rows.slice(at, size)) for at in range(0, 1000, size)]

    assert [place for part in parts for place in part] == splits.places(rows)


@pytest.mark.parametrize("ends", [(3, 4, 5), (6, 8, 10), (70, 85, 101)], ids=str)
def test_a_place_is_the_same_on_every_machine_and_in_every_version(ends):
    """A change here moves every user's rows."""
    buckets = {"train": ends[0], "eval": ends[1] - ends[0], "test": ends[2] - ends[1]}

    places = Splits(buckets).places(many(64))

    expected = [
        _split_by_hand(
            ends,
            b"\1"
            + struct.pack("<q", i)
            + b"\1"
            + struct.pack("<f", i / 8)
            + b"\1"
            + struct.pack("<i", len(f"row {i}"))
            + f"row {i}".encode(),
        )
        for i in range(64)
    ]
    assert places == expected


def _split_by_hand(ends: tuple[int, ...], key: bytes) -> int:
    bucket = int(hashlib.sha256(key).hexdigest(), 16) % ends[-1]
    return next(place for place, end in enumerate(ends) if bucket < end)


def test_the_splits_get_their_shares():
    places = Splits(BUCKETS).places(many(5000))

    shares = [places.count(i) / 5000 for i in range(3)]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.02)


def test_one_bucket_takes_all():
    assert set(Splits({"all": 1}).places(many(50))) == {0}


def test_rows_of_an_equal_column_stay_together():
    rows = many()
    places = Splits(BUCKETS, "c").places(rows)

    found: dict = {}
    for name, place in zip(rows.column("c").to_pylist(), places, strict=True):
        found.setdefault(name, set()).add(place)

    assert len(found) == 97
    assert all(len(kept) == 1 for kept in found.values())
    assert {place for kept in found.values() for place in kept} == {0, 1, 2}


def test_rows_without_a_value_in_the_column_stay_together_too():
    rows = batch((1, None), (2, None), (3, b""), a=pa.int64(), b=pa.binary())

    places = Splits({"x": 500, "y": 500}, "b").places(rows)

    assert places[0] == places[1]


def test_a_column_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError, match="rider"):
        Splits(BUCKETS, "rider").places(many(3))
