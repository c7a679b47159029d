"""Is there data to read? Checked in milliseconds, before anything heavy is imported."""

from __future__ import annotations

import contextlib
import csv
import gzip
import math
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from google.protobuf import message, text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from pipeline.config.config import Config
from pipeline.config.data import DataConfig
from pipeline.data import lines, roles, spans
from pipeline.data.formats import format_of, is_gzip
from pipeline.data.lines import Limits
from pipeline.errors import ConfigError, DataUnreadable, UsageError


def data_files(data: DataConfig) -> list[Path]:
    """The files that the pattern chooses, of every span, sorted; none for a bucket.

    Raises:
      UsageError: no such folder, a file instead of a folder, nothing that matches,
        a file that is neither CSV nor Parquet, or both kinds.
    """
    if data.is_remote:
        return []  # ExampleGen looks there, with the credentials that it has.
    folder = Path(data.path)
    if folder.is_file():
        raise UsageError(
            f"data.path: {folder} is a file; expected the folder that holds it. "
            f"Try --set data.path={folder.parent}"
        )
    if not folder.is_dir():
        raise UsageError(f"data.path: there is no folder {folder}")
    found = folder.glob(spans.glob(data.pattern))
    files = sorted(file for file in found if file.is_file())
    if not files:
        seen = ", ".join(sorted(file.name for file in folder.iterdir())[:5])
        raise UsageError(
            f"data.path: no file in {folder} matches data.pattern '{data.pattern}'; "
            f"seen there: {seen or 'nothing'}"
        )
    _require_one_format(folder, files)
    names = [str(file.relative_to(folder)) for file in files]
    with _as_usage():
        spans.require_one_name_each(str(folder), names, data.pattern)
    return files


def check_reviewed(config: Config) -> None:
    """Looks for the files that people reviewed: the schema, the baseline statistics.

    Raises:
      UsageError: one is not there, or is not what it should be.
    """
    schema = config.data.schema_file
    try:
        text = Path(schema).read_text(encoding="utf-8")
        text_format.Parse(text, schema_pb2.Schema())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise UsageError(
            f"data.schema_file: {schema} is not a schema: {_reason(error)}. For a "
            "first one: python local_runner.py schema infer"
        ) from None
    baseline = config.validation.baseline_statistics
    if baseline is None or "://" in baseline:
        return  # in a bucket SchemaValidator looks, with the credentials it has
    try:
        content = Path(baseline).read_bytes()
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
        if not found.datasets:
            raise message.DecodeError("no statistics in it")
    except (OSError, message.DecodeError) as error:
        raise UsageError(
            f"validation.baseline_statistics: {baseline} holds no statistics: "
            f"{_reason(error)}. To write them: python local_runner.py schema baseline "
            f"--output {baseline}"
        ) from None


def check_columns(config: Config, files: Sequence[Path]) -> None:
    """Holds every setting that names a column against the schema and the header.

    Args:
      config: whose schema was checked.
      files: of `check`; none for data that only a service sees.

    Raises:
      ConfigError: names every setting, with the column that was meant, perhaps.
    """
    text = Path(config.data.schema_file).read_text(encoding="utf-8")
    schema = text_format.Parse(text, schema_pb2.Schema())
    header = _header(files[0], limits_of(config.data)) if files else None
    found = roles.problems(config, schema, header)
    for file in files:
        if not _is_csv(file):
            found += [f"{file}: {problem}" for problem in _strange_types(file, schema)]
    if found:
        raise ConfigError("\n".join(found))


def warnings(config: Config) -> list[str]:
    """What can be read as a promise and is none, a line each."""
    text = Path(config.data.schema_file).read_text(encoding="utf-8")
    schema = text_format.Parse(text, schema_pb2.Schema())
    compared = any(f.HasField("drift_comparator") for f in schema.feature)
    if config.validation.baseline_statistics and not compared:
        line = (
            "validation.baseline_statistics: no column of "
            f"{config.data.schema_file} has a drift_comparator, so no drift is ever "
            "found"
        )
        return [line]
    return []


def _header(file: Path, limits: Limits) -> list[str]:
    if _is_csv(file):
        with _binary(file) as stream:
            return lines.header(stream, str(file), limits)
    import pyarrow.parquet as pq

    return list(pq.read_schema(file).names)


def _strange_types(file: Path, schema: schema_pb2.Schema) -> Iterator[str]:
    """What no run can read, of a Parquet file's columns."""
    import pyarrow.parquet as pq

    from pipeline.data import columns

    kinds = columns.kinds_of(schema)
    for field in pq.read_schema(file):
        kind = kinds.get(field.name, "BYTES")
        if problem := columns.impossible(field.name, field.type, kind):
            yield problem


def _reason(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else str(error)


def _require_one_format(folder: Path, files: list[Path]) -> None:
    formats = {file: format_of(file.name) for file in files}
    strange = [file.name for file in files if formats[file] is None]
    if strange:
        good = (file.name for file in files if formats[file])
        ends = sorted({f"*{name[name.index('.') :]}" for name in good})
        way = f", or say --set 'data.pattern={ends[0]}'" if ends else ""
        raise UsageError(
            f"data.path: {folder} holds files that are neither CSV nor Parquet "
            f"({', '.join(strange)}); every file is read that matches data.pattern, so "
            f"move them away{way}"
        )
    if len(set(formats.values())) > 1:
        one, other = (
            next(file.name for file in files if formats[file] == name)
            for name in ("csv", "parquet")
        )
        raise UsageError(
            f"data.path: {folder} holds CSV and Parquet ({one}, {other}); choose one: "
            "--set 'data.pattern=*.csv' or --set 'data.pattern=*.parquet'"
        )


def check(data: DataConfig) -> list[Path]:
    """Reads every byte of a CSV once, the footers of Parquet; returns the files.

    Raises:
      UsageError: a file is empty, damaged, has only a header or too long a row, is not
        UTF-8, or has other columns than the first file.
    """
    files = data_files(data)
    columns = {file: check_file(file, limits_of(data)) for file in files}
    first = dict.fromkeys(columns[files[0]]) if files else {}
    for file, names in columns.items():
        here = dict.fromkeys(names)
        if here.keys() != first.keys():
            raise UsageError(
                f"{file}: its columns differ from {files[0]}'s: only here: "
                f"{_names(names, first)}; only there: {_names(list(first), here)}. "
                "All files of a data set need the same columns, in any order."
            )
    return files


def not_numbers(files: list[Path], columns: Sequence[str]) -> list[str]:
    """Where each of the columns first holds what is no finite number, in CSV files.

    The statistics that refuse data know no rows; a person who mends it needs one.
    """
    places = []
    for column in columns:
        for file in filter(_is_csv, files):
            with _text(file) as stream:
                rows = enumerate(csv.DictReader(stream), start=1)
                bad = ((n, row[column]) for n, row in rows if _is_bad(row[column]))
                number, value = next(bad, (0, ""))
            if number:
                places.append(f"{file}, row {number}: {column} is {value!r}")
                break
    return places


def _is_csv(file: Path) -> bool:
    return format_of(file.name) == "csv"


@contextlib.contextmanager
def _as_usage() -> Iterator[None]:
    """What a run would end with is told before it as what was asked in vain."""
    try:
        yield
    except DataUnreadable as error:
        raise UsageError(str(error)) from None


def _text(file: Path) -> TextIO:
    if is_gzip(file.name):
        return gzip.open(file, "rt", encoding=lines.TEXT, newline="")
    return file.open(encoding=lines.TEXT, newline="")


def _binary(file: Path) -> gzip.GzipFile | BinaryIO:
    return gzip.open(file) if is_gzip(file.name) else file.open("rb")


def limits_of(data: DataConfig) -> Limits:
    """What one file may ask of memory."""
    return Limits(data.max_header_bytes, data.max_row_bytes)


def check_file(file: Path, limits: Limits) -> list[str]:
    """Reads a CSV once, of a Parquet file the footer; returns the columns.

    Raises:
      UsageError: it is empty, damaged, has only a header or too long a row, names a
        column twice, or is not UTF-8.
    """
    if not file.stat().st_size:
        raise UsageError(f"{file}: is empty; expected columns and rows")
    try:
        with _as_usage():
            if _is_csv(file):
                return _checked_header(file, limits)
            return _checked_footer(file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(
            f"{file}: ends early or is damaged: {error}. Compare it with its source"
        ) from None


def _checked_footer(file: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise UsageError(
            f"{file}: is damaged or not a Parquet file: {error}. Compare it with its "
            "source"
        ) from None
    if not parquet.metadata.num_rows:
        raise UsageError(f"{file}: has columns and no rows")
    names = list(parquet.schema_arrow.names)
    lines.require_once(str(file), names)
    return names


def _checked_header(file: Path, limits: Limits) -> list[str]:
    with _binary(file) as stream:
        names = lines.header(stream, str(file), limits)
    with _binary(file) as stream:
        lines.require_text(stream, str(file), limits)
    with _text(file) as stream:
        rows = filter(None, csv.reader(stream))
        next(rows, None)
        if next(rows, None) is None:
            raise UsageError(f"{file}: has a header and no rows")
    return names


def _is_bad(cell: str | None) -> bool:
    if not cell:
        return False
    try:
        return not math.isfinite(float(cell))
    except ValueError:
        return True


def _names(names: Sequence[str], without: Collection[str]) -> str:
    return ", ".join(n for n in names if n not in without) or "nothing"
