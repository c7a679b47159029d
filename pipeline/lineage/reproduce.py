"""reproduce MODEL: what it takes to make it again, and whether that gave the same."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import content
from pipeline.errors import MillraceError, UsageError
from pipeline.lineage import answers, facts, graph, names
from pipeline.metadata.records import Run, Store
from pipeline.recorded import RunKey
from pipeline.runs import folder
from pipeline.runs.summary import RunSummary

_CLONE, _OUTPUT = "reproduction", "output"


def reproduce(store: Store, pipeline: str, name: str) -> answers.Answer:
    """Commands, commit, lock and data.

    Raises:
      UsageError: no such model, or several; or its run was not recorded.
    """
    found = names.model(store, pipeline, name)
    above = graph.ancestry(store, pipeline, found.artifact)
    runs = store.runs_of(pipeline, above.executions)
    run_id = runs.get(above.makers.get(found.artifact.id, ""), "")
    run = store.run(pipeline, run_id) if run_id else None
    if run is None or not run.text(RunKey.COMMIT):
        raise UsageError(
            f"model {found.artifact.id}: its run recorded no commit, so it is not "
            "known which code made it (it is older than lineage, or ran outside of git)"
        )
    evaluation = facts.judged(store, pipeline, above)
    value = {
        "model": facts.model(found.artifact),
        "run": run.id,
        "commit": run.text(RunKey.COMMIT),
        "exact": run.text(RunKey.DIRTY) != "true",
        "diff_digest": run.text(RunKey.DIFF_DIGEST),
        "lock_digest": run.text(RunKey.LOCK_DIGEST),
        "versions": run.json(RunKey.VERSIONS, {}),
        "files": [f for e in above.of_type(graph.EXAMPLES) for f in facts.files(e)],
        "metrics": facts.metrics(evaluation),
        "commands": _commands(run),
        "config": run.json(RunKey.CONFIG, {}),
        "root": run.text(RunKey.ROOT),
    }
    return answers.Answer("reproduce", pipeline, value, (*found.notes, *_notes(run)))


def _commands(run: Run) -> list[str]:
    commit, root = run.text(RunKey.COMMIT), run.text(RunKey.ROOT)
    config = f"{_OUTPUT}/runs/{run.id}/config.json"
    answer = "answer.config of `lineage reproduce MODEL --output json`"
    replaced = f"# CONFIG.json: {answer}; output_root and the code's folder replaced"
    return [
        f"git clone {shlex.quote(root)} {_CLONE}",
        f"cd {_CLONE} && git checkout --detach {commit}",
        "make setup",
        replaced,
        f"mkdir -p {os.path.dirname(config)} && cp CONFIG.json {config}",
        f".venv/bin/python local_runner.py resume {run.id} --set output_root={_OUTPUT}",
    ]


def _notes(run: Run) -> tuple[str, ...]:
    if run.text(RunKey.DIRTY) != "true":
        return ()
    commit, difference = run.text(RunKey.COMMIT)[:12], run.text(RunKey.DIFF_DIGEST)[:12]
    words = (
        f"the tree was dirty: commit {commit} and a difference with SHA-256 "
        f"{difference}..., which the store does not hold"
    )
    return (words,)


def carry_out(
    answer: Mapping[str, Any], source: str, work: str, tolerance: float
) -> answers.Answer:
    """Makes the model again in a clean clone, and compares the metrics.

    Args:
      answer: the value of `reproduce`.
      source: repository to clone.
      work: an empty folder, or one that is not there yet.
      tolerance: the largest difference of a metric that counts as the same.

    Raises:
      UsageError: data, commit or lock are not those that were recorded.
      MillraceError: the run did not come to a model.
    """
    _require_data(answer["files"])
    clone, output = Path(work).resolve() / _CLONE, Path(work).resolve() / _OUTPUT
    if clone.exists():
        raise UsageError(
            f"--work {work}: {clone} is there already; name another folder"
        )
    _git("clone", "--quiet", "--no-checkout", source, str(clone))
    _git("-C", str(clone), "checkout", "--quiet", "--detach", answer["commit"])
    lock = content.of_file(str(clone / "requirements" / "main.lock"))["sha256"]
    if lock != answer["lock_digest"]:
        raise UsageError(
            f"the lock of commit {answer['commit'][:12]} is not the one recorded: "
            f"{lock[:12]}..., recorded {answer['lock_digest'][:12]}..."
        )
    folder = output / "runs" / answer["run"]
    folder.mkdir(parents=True)
    config = moved(answer["config"], answer["root"], str(clone), str(output))
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "local_runner.py", "resume", answer["run"]),
            *("--set", f"output_root={output}"),
        ],
        cwd=clone,
        stdout=sys.stderr,
        check=False,
    )
    summary = _summary(output, answer["run"], done.returncode)
    return _compared(answer, summary.overall, tolerance)


def moved(value: Any, root: str, clone: str, output: str) -> Any:
    """The configuration with the code's own paths in the clone, and a new output.

    What lies in the old environment (`package:` paths) stays: the data's digests were
    compared.
    """
    changed = _moved(value, root, clone)
    return {**changed, "output_root": output}


def _moved(value: Any, root: str, clone: str) -> Any:
    if isinstance(value, dict):
        return {key: _moved(child, root, clone) for key, child in value.items()}
    if isinstance(value, list):
        return [_moved(child, root, clone) for child in value]
    inside = isinstance(value, str) and root and value.startswith(root + os.sep)
    if inside and not value.startswith(os.path.join(root, ".venv") + os.sep):
        there = clone + value.removeprefix(root)
        return there if os.path.exists(there) else value
    return value


def _require_data(files: list[dict[str, Any]]) -> None:
    wrong = []
    for file in files:
        path = file["path"]
        if not os.path.isfile(path):
            wrong.append(f"{path} is missing")
        elif content.of_file(path)["sha256"] != file["sha256"]:
            wrong.append(f"{path} has changed")
    if wrong:
        raise UsageError(
            "the data are not those that were recorded:\n  " + "\n  ".join(wrong)
        )


def _git(*arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UsageError(f"git {' '.join(arguments)}: {done.stderr.strip()}")


def _summary(output: Path, recorded: str, code: int) -> RunSummary:
    new = [
        f for f in (output / "runs").glob("*/summary.json") if f.parent.name != recorded
    ]
    if not new:
        raise MillraceError(f"the run in the clone ended with {code} and no summary")
    summary = folder.read(new[-1].parent)
    if not summary.metrics:
        raise MillraceError(
            f"the run in the clone came to no model: {summary.outcome}, "
            f"{'; '.join(summary.reasons)}"
        )
    return summary


def _compared(
    answer: Mapping[str, Any], now: Mapping[str, float], tolerance: float
) -> answers.Answer:
    rows = []
    for metric, then in answer["metrics"].items():
        difference = now.get(metric, float("nan")) - then
        rows.append(
            {
                "metric": metric,
                "recorded": then,
                "again": now.get(metric),
                "difference": difference,
                "same": abs(difference) <= tolerance,
            }
        )
    same = bool(rows) and all(row["same"] for row in rows)
    value = {"same": same, "tolerance": tolerance, "metrics": rows}
    name = answer["model"]["artifact"]
    notes = (f"model {name} was made again from commit {answer['commit'][:12]}",)
    pipeline = str(answer["config"].get("pipeline_name", ""))
    return answers.Answer("reproduction", pipeline, value, notes, good=same)
