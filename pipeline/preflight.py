"""Is there data to read? Checked in milliseconds, before anything heavy is imported."""

from __future__ import annotations

import codecs
import csv
import math
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import UsageError


def data_files(path: str) -> list[Path]:
    """The files of the data folder, sorted.

    Raises:
      UsageError: no such folder, a file instead of a folder, or nothing in it.
    """
    folder = Path(path)
    if folder.is_file():
        raise UsageError(
            f"data.path: {folder} is a file; expected the folder that holds it. "
            f"Try --set data.path={folder.parent}"
        )
    if not folder.is_dir():
        raise UsageError(f"data.path: there is no folder {folder}")
    # What TFX's ExampleGen will read: every file, whatever its name.
    files = sorted(file for file in folder.iterdir() if file.is_file())
    if not any(file.suffix == ".csv" for file in files):
        seen = ", ".join(file.name for file in files[:5]) or "nothing"
        raise UsageError(f"data.path: no CSV file in {folder}; seen there: {seen}")
    strange = [file.name for file in files if file.suffix != ".csv"]
    if strange:
        raise UsageError(
            f"data.path: {folder} holds files that are not CSV ({', '.join(strange)}); "
            "all files of the folder are read, so move them away"
        )
    return files


def check(path: str) -> list[Path]:
    """Reads every byte once; returns the files.

    Raises:
      UsageError: a file is empty, has only a header, starts with a byte order mark,
        is not UTF-8, or its header differs from the first file's.
    """
    files = data_files(path)
    headers = {file: _checked_header(file) for file in files}
    first = headers[files[0]]
    for file, header in headers.items():
        if header != first:
            raise UsageError(
                f"{file}: its header differs from {files[0].name}'s: only here: "
                f"{_names(header, first)}; only there: {_names(first, header)}. "
                "All files of a data set need the same columns in the same order."
            )
    return files


def not_numbers(files: list[Path], columns: Sequence[str]) -> list[str]:
    """Where each of the columns first holds what is no finite number.

    The statistics that refuse data know no rows; a person who mends it needs one.
    """
    places = []
    for column in columns:
        for file in files:
            with file.open(encoding="utf-8", newline="") as stream:
                rows = enumerate(csv.DictReader(stream), start=1)
                bad = ((n, row[column]) for n, row in rows if _is_bad(row[column]))
                number, value = next(bad, (0, ""))
            if number:
                places.append(f"{file}, row {number}: {column} is {value!r}")
                break
    return places


def sample(files: list[Path], rows: int, folder: Path) -> None:
    """Writes the first `rows` data rows of the files as one CSV into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "sample.csv"
    partial = folder.with_name(f"{folder.name}.partial")
    left = rows
    with partial.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for index, file in enumerate(files):
            with file.open(encoding="utf-8", newline="") as stream:
                reader = csv.reader(stream)
                header = next(reader)
                if index == 0:
                    writer.writerow(header)
                for row in reader:
                    if left == 0:
                        break
                    writer.writerow(row)
                    left -= 1
    partial.replace(target)


def _checked_header(file: Path) -> list[str]:
    with file.open("rb") as stream:
        start = stream.read(3)
        if not start:
            raise UsageError(f"{file}: is empty; expected a header and rows")
        if start == codecs.BOM_UTF8:
            raise UsageError(
                f"{file}: starts with a byte order mark (EF BB BF), which would become "
                "part of the first column's name. Save it as UTF-8 without BOM, or: "
                f"sed -i '1s/^\\xEF\\xBB\\xBF//' {file}"
            )
    _require_utf8(file)
    with file.open(encoding="utf-8", newline="") as stream:
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
    with open(file, "rb") as stream:
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
