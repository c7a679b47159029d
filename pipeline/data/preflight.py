"""Is there data to read? Checked in milliseconds, before anything heavy is imported."""

from __future__ import annotations

import codecs
import csv
import gzip
import itertools
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from google.protobuf import message, text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from pipeline.config.config import Config
from pipeline.config.data import DataConfig
from pipeline.data import roles
from pipeline.data.formats import format_of
from pipeline.errors import ConfigError, UsageError


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
    pattern = re.sub(r"\{[A-Z]+(:\d+)?\}", "*", data.pattern)
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    if not files:
        seen = ", ".join(sorted(file.name for file in folder.iterdir())[:5])
        raise UsageError(
            f"data.path: no file in {folder} matches data.pattern '{data.pattern}'; "
            f"seen there: {seen or 'nothing'}"
        )
    _require_one_format(folder, files)
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
    if baseline is None:
        return
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
    header = _header(files[0]) if files else None
    if found := roles.problems(config, schema, header):
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


def _header(file: Path) -> list[str]:
    if _is_csv(file):
        with _text(file) as stream:
            return next(csv.reader(stream), [])
    import pyarrow.parquet as pq

    return list(pq.read_schema(file).names)


def _reason(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else str(error)


def _require_one_format(folder: Path, files: list[Path]) -> None:
    formats = {file: format_of(file.name) for file in files}
    strange = [file.name for file in files if formats[file] is None]
    if strange:
        raise UsageError(
            f"data.path: {folder} holds files that are neither CSV nor Parquet "
            f"({', '.join(strange)}); every file is read that matches data.pattern, so "
            "move them away or say --set 'data.pattern=*.csv'"
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
      UsageError: a file is empty, damaged, has only a header, starts with a byte order
        mark, is not UTF-8, or has other columns than the first file.
    """
    files = data_files(data)
    columns = {file: _checked_columns(file) for file in files}
    for file, names in columns.items():
        first = columns[files[0]]
        if set(names) != set(first):
            raise UsageError(
                f"{file}: its columns differ from {files[0]}'s: only here: "
                f"{_names(names, first)}; only there: {_names(first, names)}. "
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


def sample(files: list[Path], rows: int, folder: Path) -> None:
    """Writes the first `rows` rows of the files as one file into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for older in folder.iterdir():
        older.unlink()
    partial = folder.with_name(f"{folder.name}.partial")
    if _is_csv(files[0]):
        _sample_csv(files, rows, partial)
        partial.replace(folder / "sample.csv")
    else:
        _sample_parquet(files, rows, partial)
        partial.replace(folder / "sample.parquet")


def _sample_csv(files: list[Path], rows: int, target: Path) -> None:
    left = rows
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        header: list[str] = []
        for file in files:
            with _text(file) as stream:
                reader = csv.reader(stream)
                names = next(reader)
                if not header:
                    header = names
                    writer.writerow(header)
                places = [names.index(name) for name in header]
                for row in itertools.islice(reader, left):
                    # A row of another length stays one, for ExampleGen to reject.
                    whole = len(row) == len(names)
                    writer.writerow([row[i] for i in places] if whole else row)
                    left -= 1


def _sample_parquet(files: list[Path], rows: int, target: Path) -> None:
    import pyarrow.parquet as pq

    left = rows
    with pq.ParquetWriter(target, pq.read_schema(files[0])) as writer:
        for file in files:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=rows):
                part = batch.slice(0, left).select(writer.schema.names)
                writer.write_batch(part.cast(writer.schema))
                left -= len(part)
                if not left:
                    return


def _is_csv(file: Path) -> bool:
    return format_of(file.name) == "csv"


def _text(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")


def _binary(file: Path) -> gzip.GzipFile | BinaryIO:
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")


def _checked_columns(file: Path) -> list[str]:
    if not file.stat().st_size:
        raise UsageError(f"{file}: is empty; expected columns and rows")
    try:
        return _checked_header(file) if _is_csv(file) else _checked_footer(file)
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
    return parquet.schema_arrow.names


def _checked_header(file: Path) -> list[str]:
    with _binary(file) as stream:
        if stream.read(3) == codecs.BOM_UTF8:
            raise UsageError(
                f"{file}: starts with a byte order mark (EF BB BF), which would become "
                "part of the first column's name. Save it as UTF-8 without BOM, or: "
                f"sed -i '1s/^\\xEF\\xBB\\xBF//' {file}"
            )
    _require_utf8(file)
    with _text(file) as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if next(reader, None) is None:
            raise UsageError(f"{file}: has a header and no rows")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UsageError(f"{file}: columns named twice: {', '.join(twice)}")
    return header


def _require_utf8(file: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with _binary(file) as stream:
        for raw in stream:
            try:
                decoder.decode(raw)
            except UnicodeDecodeError as error:
                bad = raw[error.start]
                raise UsageError(
                    f"{file}: line {line}, byte {error.start + 1}: 0x{bad:02X} is not "
                    "UTF-8. Convert the file, for example: "
                    f"iconv -f LATIN1 -t UTF-8 {file.name}"
                ) from None
            line += 1


def _is_bad(cell: str | None) -> bool:
    if not cell:
        return False
    try:
        return not math.isfinite(float(cell))
    except ValueError:
        return True


def _names(names: list[str], without: list[str]) -> str:
    return ", ".join(n for n in names if n not in without) or "nothing"
