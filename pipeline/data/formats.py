"""How a file is written, by its name."""

from __future__ import annotations

SUFFIXES = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}


def format_of(file: str) -> str | None:
    """'csv' or 'parquet'; None for what is neither."""
    matching = (name for suffix, name in SUFFIXES.items() if file.endswith(suffix))
    return next(matching, None)
