"""A file's format by its name."""

from __future__ import annotations

import pytest

from pipeline.data.formats import format_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "csv"),
        ("a.csv.gz", "csv"),
        ("a.b.parquet", "parquet"),
        ("gs://bucket/folder.csv/part-0.parquet", "parquet"),
        ("a.gz", None),
        ("a.parquet.gz", None),
        ("a.csv.partial", None),
        ("README.md", None),
        ("_SUCCESS", None),
    ],
)
def test_the_name_says_the_format(name, expected):
    assert format_of(name) == expected
