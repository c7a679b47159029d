"""Starts the image that image.sh built: a job's tasks, and a worker by Beam's boot.

python -m bootstrap.image_start FOLDER PRISM   as root, with image.sh's buildah settings

1. The default job, compiled in the image, is rehearsed: each task in a fresh container
   of the image, as its user, until a model is pushed. The bucket is FOLDER/bucket.
2. StatisticsGen's task runs again with its work left to Beam's Prism, which starts the
   image by its entry point, as Dataflow starts its workers; it must measure the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import math
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.nodes import EXAMPLE_GEN, STATISTICS_GEN
from pipeline.vertex.job.job import Job, Step
from pipeline.vertex.rehearsal import account, spec
from pipeline.vertex.rehearsal.outputs import Artifact, Place
from pipeline.vertex.rehearsal.run import Rehearsal
from pipeline.vertex.rehearsal.task import Attempts, Task

IMAGE = "millrace"
_CONSOLE = Console(highlight=False, soft_wrap=True)


@dataclasses.dataclass(frozen=True)
class Image:
    """Starts containers of the image."""

    bucket: Path
    """Each finds it at the same path; what lies in it is everybody's."""

    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Over the image's: what leads to a service."""

    def with_environment(self, more: Mapping[str, str]) -> Image:
        """The same, with more that leads to a service."""
        return dataclasses.replace(self, environment={**self.environment, **more})

    def start(self, step: Step, invocation: str, log: Any) -> bool:
        """Runs a task's step in a container of its own; whether it ended with 0."""
        filled = [invocation if word == "{{$}}" else word for word in step.args]
        return self.run([*step.command, *filled], log)

    def run(self, words: Sequence[str], log: Any) -> bool:
        """Runs a command in a container of its own; whether it ended with 0."""
        with self.container() as name:
            done = subprocess.run(
                [*self.prefix(name), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return done.returncode == 0

    @contextlib.contextmanager
    def container(self) -> Iterator[str]:
        """The name of a fresh one, which is removed when it is left."""
        name = _buildah("from", "--pull-never", IMAGE)
        try:
            yield name
        finally:
            _buildah("rm", name)

    def prefix(self, name: str) -> list[str]:
        """What runs the command after it in that container, as the image's user."""
        given = [f"--env={key}={value}" for key, value in self.environment.items()]
        volume = f"--volume={self.bucket}:{self.bucket}"
        return ["buildah", "run", volume, *given, name, "--"]

    @property
    def entrypoint(self) -> list[str]:
        """The command of who gives none."""
        found = json.loads(_buildah("inspect", "--type=image", IMAGE))
        return list(found["OCIv1"]["config"]["Entrypoint"])

    def compiled(self, name: str, *sets: str) -> Job:
        """The default job with these settings, compiled in a container."""
        output, log = self.bucket / f"{name}.json", self.bucket / f"{name}.log"
        words = ["python", "vertex_runner.py", "compile", "--output", str(output)]
        for each in (f"output_root={self.bucket}", *sets):
            words += ["--set", each]
        with log.open("wb") as file:
            if not self.run(words, file):
                sys.exit(f"image: it does not compile the job, see {log}")
        return Job.from_dict(json.loads(output.read_text(encoding="utf-8")))


def _buildah(*words: str) -> str:
    done = subprocess.run(
        ["buildah", *words], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def rehearsed(image: Image) -> Rehearsal:
    """The default job, executed until a model is pushed, or this process ends."""
    rehearsal = Rehearsal(
        image.compiled("job"),
        f"image-{time.time():.0f}",
        {},
        image,
        tell=lambda task: _CONSOLE.print(account.line(task)),
    )
    failed = [task for task in rehearsal.run() if task.state == "FAILED"]
    if failed:
        sys.exit("\n".join(f"image: {task.name}: see {task.log}" for task in failed))
    pushed = sorted((image.bucket / "serving").glob("*/[0-9]*/saved_model.pb"))
    if not pushed:
        sys.exit(f"image: no model in {image.bucket / 'serving'}")
    _CONSOLE.print(f"pushed {pushed[-1].parent}")
    return rehearsal


def measured_by_worker(image: Image, program: Path, rehearsal: Rehearsal) -> Task:
    """StatisticsGen of the rehearsal's examples, by a worker that boot started.

    Args:
      image: of the task and of the worker.
      program: Beam's Prism.
      rehearsal: that made the examples.
    """
    log = image.bucket / "prism.log"
    task = Task(STATISTICS_GEN)
    task.inputs = {"examples": rehearsal.tasks[EXAMPLE_GEN].outputs["examples"]}
    with image.container() as name, prism(program, log) as address:
        job = image.compiled(
            "job-on-prism",
            "beam.runner=flink",
            f"beam.flink.job_endpoint={address}",
            "beam.extra_args=" + json.dumps(_workers(image, name)),
            "vertex.timeout_minutes=15",
        )
        declared = job.tasks[STATISTICS_GEN]
        assert declared.container
        Attempts(
            component=declared.component,
            container=declared.container,
            parameters=spec.Spec(job, {}, _now()).parameters(declared),
            containers=image,
            place=Place(str(rehearsal.folder / "on-prism")),
        ).run(task)
    if task.state != "SUCCEEDED":
        sys.exit(f"image: {STATISTICS_GEN} on Prism: see {task.log} and {log}")
    return task


def _workers(image: Image, name: str) -> list[str]:
    """Beam's arguments, the last of which count: that container's entry point."""
    file = image.bucket / "worker.sh"
    command = shlex.join([*image.prefix(name), *image.entrypoint])
    # Prism's process environments (apache/beam#33651) put quotes around the worker's
    # name in 2.77.0, and then do not know it. A worker that ends ill ends Prism, too,
    # which would wait for it for ever.
    script = f'{command} "${{@//\\\'/}}" || kill -KILL $PPID'
    file.write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    config = json.dumps({"command": str(file)})
    return ["--environment_type=PROCESS", f"--environment_config={config}"]


@contextlib.contextmanager
def prism(program: Path, log: Path) -> Iterator[str]:
    """Beam's Prism on loopback, with all that it starts; its job service's address."""
    port, web = _free_port(), _free_port()
    words = [
        str(program),
        f"-job_port={port}",
        f"-web_port={web}",
        "-idle_shutdown_timeout=-1s",
    ]
    with log.open("wb") as file:
        # In a process namespace of its own: when it ends, so does every worker. The
        # shell is its first process, which a worker could not kill.
        server = subprocess.Popen(
            [
                *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("sh", "-c", '"$@"; exit', "prism", *words),
            ],
            stdout=file,
            stderr=file,
        )
    try:
        channel = grpc.insecure_channel(f"localhost:{port}")
        grpc.channel_ready_future(channel).result(timeout=60)
        channel.close()
        yield f"localhost:{port}"
    finally:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return int(listener.getsockname()[1])


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def statistics(artifact: Artifact) -> dict[str, list[str]]:
    """Split -> the words of TFDV's statistics, in one order: workers end in any.

    Args:
      artifact: that StatisticsGen put out.
    """
    found = {}
    for file in sorted(Path(artifact.uri).glob("Split-*/FeatureStats.pb")):
        content = statistics_pb2.DatasetFeatureStatisticsList()
        content.ParseFromString(file.read_bytes())
        [measured] = content.datasets
        columns = sorted(measured.features, key=lambda each: each.path.step[0])
        words = f"{measured.num_examples} rows".split()
        words += [word for column in columns for word in str(column).split()]
        found[file.parent.name.removeprefix("Split-")] = words
    return found


def alike(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> bool:
    """Whether both say the same, but for the order in which floats were added."""
    return one.keys() == other.keys() and all(
        len(one[split]) == len(other[split])
        and all(map(_alike, one[split], other[split]))
        for split in one
    )


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-12)
    except ValueError:
        return False


def main(folder: str, program: str) -> int:
    """Starts it, which ends this process with 1 when something is not as it should be.

    Args:
      folder: where the bucket is made anew.
      program: Beam's Prism.
    """
    bucket = Path(folder).resolve() / "bucket"
    shutil.rmtree(bucket, ignore_errors=True)
    os.umask(0)  # as in a bucket, what this process makes, the image's user may write
    bucket.mkdir()
    image = Image(bucket)
    rehearsal = rehearsed(image)
    task = measured_by_worker(image, Path(program), rehearsal)
    [alone] = rehearsal.tasks[STATISTICS_GEN].outputs["statistics"]
    [by_worker] = task.outputs["statistics"]
    if not alike(statistics(by_worker), statistics(alone)):
        sys.exit(f"image: {by_worker.uri} and {alone.uri} differ")
    rows = {split: int(words[0]) for split, words in statistics(alone).items()}
    _CONSOLE.print(f"a worker by boot measured {rows} rows as one process did")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
