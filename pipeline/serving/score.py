"""Rows in, rows with the model's answer out; run in a process of its own.

    echo '{"model": DIR, "version": "3", ...}' | python -m pipeline.prediction.score

The last line of standard output is the report as JSON, or the error's kind and words.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import errors
from pipeline.data import files, reading
from pipeline.data.formats import format_of
from pipeline.data.lines import Limits
from pipeline.data.reading import Asked, Batch, Reject
from pipeline.serving import output
from pipeline.serving.contract import Contract
from pipeline.serving.scorer import Scorer

SCORE, VERSION = "probability", "model_version"


def main() -> int:
    """Answers the question on standard input."""
    question = json.loads(sys.stdin.readline())
    try:
        report = score(**question)
    except errors.MillraceError as error:
        report = {"error": type(error).__name__, "words": str(error)}
    print(json.dumps(report))  # noqa: T201 (its output)
    return 0


def score(
    model: str,
    version: str,
    schema_file: str,
    inputs: dict[str, str],
    target: str,
    rejects: str,
    limits: dict[str, int],
) -> dict[str, Any]:
    """Scores the files.

    Args:
      model: a SavedModel's folder.
      version: what the column `model_version` says.
      schema_file: the curated schema.
      inputs: file -> its name below the target; '' when the target is the file.
      target: a file or folder that is not there.
      rejects: a CSV for the rows that do not fit; written when there are any.
      limits: what one file may ask of memory.

    Returns:
      `rows` that were scored, `rejected` rows.

    Raises:
      DataRefused: a column of the model is not there, or no row fits.
      DataUnreadable: a file is damaged.
    """
    task = _Task(Scorer(model), version, Contract(schema_file), Limits(**limits))
    found: list[Reject] = []
    rows = rejected = 0
    with output.complete(Path(target)) as partial:
        if all(inputs.values()):
            partial.mkdir()
        for file, name in inputs.items():
            scored, misfits = task.file(file, partial / name if name else partial)
            rows += scored
            rejected += len({misfit.row for misfit in misfits})
            found += misfits
        _require_rows(rows, found)
        if found:
            with output.complete(Path(rejects)) as aside:
                output.write_rejects(aside, found)
    return {"rows": rows, "rejected": rejected}


@dataclasses.dataclass(frozen=True)
class _Task:
    scorer: Scorer
    version: str
    contract: Contract
    limits: Limits

    def file(self, file: str, target: Path) -> tuple[int, list[Reject]]:
        """Rows that were scored, and what does not fit."""
        columns = frozenset(self.scorer.kinds)
        asked = Asked(columns, self.contract.check, limits=self.limits)
        rows = 0
        rejects: list[Reject] = []
        with output.writer(target, like=file) as write:
            for unit in files.units([file]):
                for batch in reading.batches(unit, self.scorer.kinds, asked):
                    rejects += batch.rejects
                    rows += batch.rows.num_rows
                    if batch.source.num_columns:
                        write(self._scored(file, batch))
        if rejects and format_of(file) == "csv":
            rejects = reading.with_lines(rejects)
        return rows, sorted(rejects, key=lambda reject: reject.row)

    def _scored(self, file: str, batch: Batch) -> pa.RecordBatch:
        _require_columns(file, batch, self.scorer)
        answers = self.scorer.probabilities(batch.rows)
        versions = [self.version] * len(answers)
        source = batch.source
        return pa.RecordBatch.from_arrays(
            [*source.columns, pa.array(answers, pa.float64()), pa.array(versions)],
            [*source.schema.names, SCORE, VERSION],
        )


def _require_columns(file: str, batch: Batch, scorer: Scorer) -> None:
    missing = sorted(set(scorer.kinds) - set(batch.rows.schema.names))
    if missing:
        raise errors.DataRefused(
            f"{file}: has no column {', '.join(missing)}; the model reads "
            f"{', '.join(scorer.kinds)}"
        )
    taken = [name for name in (SCORE, VERSION) if name in batch.source.schema.names]
    if taken:
        raise errors.DataRefused(
            f"{file}: has a column {' and '.join(taken)} already, which is what the "
            "answers are written to. Rename it"
        )


def _require_rows(rows: int, rejects: list[Reject]) -> None:
    if rows:
        return
    if not rejects:
        raise errors.DataRefused("there are no rows to score")
    shown = "\n".join(f"  {reject}" for reject in rejects[:5])
    raise errors.DataRefused(f"not a single row fits the schema:\n{shown}")


if __name__ == "__main__":
    sys.exit(main())
