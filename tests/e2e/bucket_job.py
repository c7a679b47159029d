"""A job on a bucket, and what people ask of it; run in a world of its own.

    python -m tests.fakes.gcs.world FOLDER \\
        python -m tests.e2e.bucket_job FOLDER sample|whole [CONFIG]

Prints what it does, and writes what came out to FOLDER/told.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "0"

from pipeline.config import config as config_lib
from pipeline.vertex.rehearsal import containers
from pipeline.vertex.rehearsal.image import Image
from pipeline.vertex.rehearsal.task import Task
from tests.e2e import bucket_cloud
from tests.fakes import server

BUCKET = "trips-bucket"
ROOT = f"gs://{BUCKET}/millrace"
PARAMETERS = ("training.model", "evaluation.thresholds.auc.min", "push.max_size_mb")
SETS = (
    f"output_root={ROOT}",
    f"data.path=gs://{BUCKET}/data",
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    f"vertex.image=europe-docker.pkg.dev/p/millrace/millrace@sha256:{'ab' * 32}",
    f"vertex.service_account=runner@{server.PROJECT}.iam.gserviceaccount.com",
    f"vertex.parameters={[*PARAMETERS]}",
    "vertex.model.serving_image=europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15",
)
WHO = ("--by", "ada", "--reason", "the bound is a test's")
REFUSED = ("training_model=linear", "evaluation_thresholds_auc_min=1")
_AGAIN = ("Pusher", "Notifier")


class Told:
    """What came out, kept in a file after each step."""

    def __init__(self, file: Path) -> None:
        self._file, self.folder = file, file.parent
        self._steps: dict[str, Any] = {}

    def add(self, step: str, **values: Any) -> None:
        """Remembers a step; prints it."""
        self._steps[step] = values
        self._file.write_text(json.dumps(self._steps, indent=2), encoding="utf-8")
        sys.stdout.write(f"{step} {json.dumps(values)[:300]}\n")
        sys.stdout.flush()

    def out(self, step: str) -> str:
        """What a command said."""
        return str(self._steps[step]["out"]).strip()

    def run(self, step: str, name: str, tasks: Sequence[Task]) -> None:
        """A run of the job, with the attempts and addresses of each task."""
        self.add(
            step,
            run=name.rpartition("/")[2],
            states={task.name: task.state for task in tasks},
            uris=sorted(
                each.uri
                for task in tasks
                for found in task.outputs.values()
                for each in found
            ),
            pushed=_said(tasks, "Pusher", "pushed_model"),
            blessing=_said(tasks, "Evaluator", "blessing"),
            logs={
                task.name: task.log.read_text(encoding="utf-8")[-3000:]
                for task in tasks
                if task.state == "FAILED" and task.log
            },
        )


def main(folder: Path, form: str, config: str = "configs/taxi/taxi.yaml") -> int:
    """All of the form; the steps say what went well."""
    told = Told(folder / "told.json")
    with (
        bucket_cloud.running(folder / "roots.pem") as cloud,
        containers.of_image() as image,
    ):
        job = Job(config, cloud, image, told)
        {"sample": sample, "whole": whole}[form](job)
    return 0


def sample(job: Job) -> None:
    """A run that finds a champion, and one whose push is refused; few containers."""
    tasks = job.run("pushed", ["training_model=linear"])
    job.told.add("registered", aliases=_aliases(job.cloud))
    job.run("refused", ["push_max_size_mb=0.0001"], known=_before_the_pusher(tasks))


def whole(job: Job) -> None:
    """A first run, one with a champion that is refused, and its override; questions."""
    first = job.run("first")
    job.told.add("registered", aliases=_aliases(job.cloud))
    baseline = f"validation.baseline_statistics={_statistics(first)}"
    second = job.run("second", REFUSED, baseline)
    overridden_and_asked(job, second)


def overridden_and_asked(job: Job, second: Sequence[Task]) -> None:
    """A person pushes what the last run refused; others ask what came of it."""
    refused = job.run_id
    job.ask("override", "gate", "override", refused, *WHO, "--yes")
    overriding = f"{server.PARENT}/pipelineJobs/{job.told.out('override')}"
    third = job.go_on("third", overriding, _before_the_pusher(second))
    job.told.add("overridden", aliases=_aliases(job.cloud))
    job.ask("report", "report", refused, "--output", str(job.told.folder / "page.html"))
    pushed = _said(third, "Pusher", "pushed_model")["pushed_destination"]
    job.ask("trace", "lineage", "trace", pushed, "--output", "json")
    job.ask("why", "lineage", "why", refused)
    source, target = f"gs://{BUCKET}/rows.jsonl", f"gs://{BUCKET}/answers"
    words = ("--input", source, "--output", target, "--wait", "--every", "0.1")
    job.ask("predict", "predict", *words)


class Job:
    """A configuration's job on the cloud."""

    def __init__(
        self, file: str, cloud: bucket_cloud.Cloud, image: Image, told: Told
    ) -> None:
        self.cloud, self.told, self.run_id = cloud, told, ""
        self._file, self._image = file, image

    def run(
        self,
        step: str,
        given: Sequence[str] = (),
        *sets: str,
        known: Mapping[str, Task] | None = None,
    ) -> list[Task]:
        """Compiles and submits it, and is the service that runs it."""
        config = config_lib.load(
            (self._file,), (*SETS, *sets), platform="vertex"
        ).config
        name = bucket_cloud.submitted(config, given)
        self.run_id = name.rpartition("/")[2]
        return self.go_on(step, name, known)

    def go_on(
        self, step: str, name: str, known: Mapping[str, Task] | None
    ) -> list[Task]:
        """Is the service that runs a job which was submitted."""
        config = config_lib.load((self._file,), SETS, platform="vertex").config
        tasks = self.cloud.rehearse(config, self._image, name, known)
        self.told.run(step, name, tasks)
        return tasks

    def ask(self, step: str, *words: str) -> None:
        """vertex_runner.py as a person types it."""
        sets = [word for each in SETS for word in ("--set", each)]
        done = subprocess.run(
            [sys.executable, "vertex_runner.py", *words, "--config", self._file, *sets],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "160"},
        )
        self.told.add(step, code=done.returncode, out=done.stdout, err=done.stderr)


def _said(tasks: Sequence[Task], name: str, key: str) -> Mapping[str, Any]:
    for task in tasks:
        if task.name == name:
            return task.outputs[key][0].metadata if key in task.outputs else {}
    return {}


def _before_the_pusher(tasks: Sequence[Task]) -> Mapping[str, Task]:
    """What another run takes from the cache."""
    return {t.name: t for t in tasks if t.name not in (*_AGAIN, "ExitHandler")}


def _statistics(tasks: Sequence[Task]) -> str:
    [task] = [task for task in tasks if task.name == "StatisticsGen"]
    return f"{task.outputs['statistics'][0].uri}/Split-train/FeatureStats.pb"


def _aliases(cloud: bucket_cloud.Cloud) -> Mapping[str, Any]:
    return {
        name.rpartition("/")[2]: {
            number: sorted(version.version_aliases) for number, version in of.items()
        }
        for name, of in cloud.models.versions.items()
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
