"""How a file is written, by its name; upper case is as good as lower."""

from __future__ import annotations

SUFFIXES = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}


def format_of(file: str) -> str | None:
    """'csv' or 'parquet'; None for what is neither."""
    name = file.lower()
    matching = (kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix))
    return next(matching, None)


def is_gzip(file: str) -> bool:
    """Whether the file's bytes are compressed."""
    return file.lower().endswith(".gz")
