"""The containers, as processes of this machine, and how many of them fit at once."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.code import version
from pipeline.config.config import ROOT
from pipeline.vertex.job.job import Step
from pipeline.vertex.rehearsal import confinement, image
from pipeline.vertex.rehearsal.image import Image

# A process of TensorFlow takes 1.5 GB, and some data on top.
_TASK_BYTES = 2 * 2**30
_CONFINEMENT = ("python", "-m", "pipeline.vertex.rehearsal.confinement")
# Root reads what is not its own by these two capabilities alone.
_NOBODYS_FILES = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")
_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Containers:
    """Starts containers, each of which sees the image, the buckets and its environment.

    Nothing else of this machine is there: no variable, no package that only tests need,
    no file of the working tree that the image has not, and none of another user.
    """

    image: Image
    buckets: tuple[str, ...] = ()
    """Folders that stand for what tasks write to."""

    data: tuple[str, ...] = ()
    """Files and folders that stand for what tasks only read."""

    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Over the image's: what leads to a service."""

    def with_environment(self, more: Mapping[str, str]) -> Containers:
        """The same, with more that leads to a service; what leads there stays."""
        return dataclasses.replace(self, environment={**more, **self.environment})

    def start(self, step: Step, invocation: str, log: Any) -> bool:
        """Runs it to its end; whether that was 0.

        Args:
          step: its `python` is the image's.
          invocation: JSON of ExecutorInput; takes the place of {{$}}.
          log: a binary file for what it says.
        """
        filled = [invocation if word == "{{$}}" else word for word in step.args]
        done = subprocess.run(
            [*self._prefix(), *step.command, *filled],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.image.work,
            env={
                **self.image.environment,
                "NO_GCE_CHECK": "true",  # there is no metadata server here
                **_identity(),
                **self.environment,
            },
            check=False,
        )
        return done.returncode == 0

    def _prefix(self) -> list[str]:
        prefix = [*_NOBODYS_FILES] if _is_root() else []
        if not confinement.available():
            return prefix
        read = [*confinement.SYSTEM, sys.base_prefix, os.path.realpath(sys.prefix)]
        read += [
            str(self.image.folder / name) for name in os.listdir(self.image.folder)
        ]
        read += [*self.data, *_identity().values()]
        write = [self.image.environment["HOME"], self.image.environment["TMPDIR"]]
        write += ["/dev", *self.buckets]
        return [*prefix, *_CONFINEMENT, json.dumps({"read": read, "write": write})]


@contextlib.contextmanager
def of_image(repository: Path = ROOT) -> Iterator[Image]:
    """The image of the working tree as it is; its folder goes when it is left.

    Raises:
      UsageError: it cannot be laid out.
    """
    with tempfile.TemporaryDirectory(prefix="millrace-image-") as folder:
        yield image.lay_out(repository, Path(folder), version.commit().commit)


def missing_walls() -> Iterator[str]:
    """What of this machine a container still sees here, a line each."""
    if not confinement.available():
        yield (
            "this kernel has no Landlock (Linux 5.19): a container also finds files "
            "that the image has not"
        )
    if os.geteuid() == 0 and not _is_root():
        yield "there is no setpriv: a container also reads files of another user"


def _is_root() -> bool:
    """Whether it is root that starts them, who would read any file."""
    return os.geteuid() == 0 and shutil.which("setpriv") is not None


def _identity() -> dict[str, str]:
    """Who asks Google: on Vertex the metadata server says it, here a file of yours."""
    own = Path("~/.config/gcloud/application_default_credentials.json").expanduser()
    given = os.environ.get(_CREDENTIALS) or (str(own) if own.is_file() else "")
    return {_CREDENTIALS: given} if given else {}


def at_once(available_bytes: int) -> int:
    """How many tasks fit into that memory; one always runs, and shows whether it fits.

    No more than there are cores: each would only take longer.
    """
    return max(1, min(os.cpu_count() or 1, available_bytes // _TASK_BYTES))


def available_bytes() -> int:
    """What Linux would give to a new process, without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return _TASK_BYTES
