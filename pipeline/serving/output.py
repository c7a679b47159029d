"""Files of the input's format that appear complete or not at all."""

from __future__ import annotations

import contextlib
import csv
import gzip
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import files
from pipeline.data.formats import format_of, is_gzip
from pipeline.data.reading import Reject

Write = Callable[[pa.RecordBatch], None]


@contextlib.contextmanager
def complete(target: Path) -> Iterator[Path]:
    """A path beside the target, renamed to it at the end; gone after an error."""
    partial = target.with_name(f".{target.name}.partial")
    _remove(partial)
    try:
        yield partial
        files.sync(str(partial))
        files.rename(partial, target)
    except BaseException:
        _remove(partial)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def writer(file: Path, like: str) -> Iterator[Write]:
    """Takes batches and writes them in the format of the file `like`.

    A file without rows is written without columns: nobody knows them.
    """
    with contextlib.ExitStack() as stack:
        write: list[Write] = []

        def first(batch: pa.RecordBatch) -> None:
            if not write:
                write.append(_opened(stack, file, like, batch.schema))
            write[0](batch)

        yield first
        if not write:
            file.touch()


def _opened(
    stack: contextlib.ExitStack, file: Path, like: str, schema: pa.Schema
) -> Write:
    if format_of(like) == "parquet":
        return stack.enter_context(pq.ParquetWriter(file, schema)).write_batch
    opener: Any = gzip.open if is_gzip(like) else open
    stream = stack.enter_context(opener(file, "wt", encoding="utf-8", newline=""))
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow(schema.names)

    def write(batch: pa.RecordBatch) -> None:
        columns = [column.to_pylist() for column in batch.columns]
        lines.writerows(zip(*columns, strict=True))

    return write


def write_rejects(file: Path, rejects: Sequence[Reject]) -> None:
    """A CSV with a line for each misfit: where, what, why."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["file", "line", "row", "column", "value", "reason"])
        for each in rejects:
            place = [each.file, each.line, each.row]
            lines.writerow([*place, each.column, each.value, each.reason])
