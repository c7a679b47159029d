"""Imports what a compiled job starts, and compares what is installed with the lock.

python image_check.py JOB.json LOCK
"""

from __future__ import annotations

import importlib
import importlib.metadata
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SHOWN = ("tfx", "tensorflow", "keras", "apache-beam", "kfp", "google-cloud-aiplatform")


def names(job: dict[str, Any]) -> Iterator[str]:
    """Every module (`-m`) and executor class that a container of the job starts."""
    for executor in job["pipelineSpec"]["deploymentSpec"]["executors"].values():
        container = executor.get("container", {})
        driver = container.get("lifecycle", {}).get("preCacheCheck", {})
        for part in (container, driver):
            words = [*part.get("command", ()), *part.get("args", ())]
            for option, value in itertools.pairwise(words):
                if option in ("-m", "--executor_class_path"):
                    yield value


def main(job_file: str, lock_file: str) -> int:
    """Prints what it finds; 1 when a name is missing or a version is another one."""
    job = json.loads(Path(job_file).read_text("utf-8"))
    for name in sorted(set(names(job))):
        module, _, attribute = name.rpartition(".")
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError:
            found = getattr(importlib.import_module(module), attribute)
        print(f"{name}: {found.__name__}")

    lock = Path(lock_file).read_text("utf-8")
    wanted = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", lock, re.MULTILINE))
    installed = {name: importlib.metadata.version(name) for name in wanted}
    wrong = {n: v for n, v in installed.items() if v != wanted[n]}
    for name in _SHOWN:
        print(f"{name} {installed[name]}")
    print(
        f"{len(wanted)} packages of the lock, {len(wrong)} at another version: {wrong}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
