"""The container's image, laid out in a folder of this machine as the Dockerfile says.

FOLDER/
  millrace/         what the Dockerfile copies, and nothing else of the working tree
  opt/venv/         the packages of requirements/main.lock, and no other
  home/millrace/    empty
  tmp/              empty
"""

from __future__ import annotations

import compileall
import dataclasses
import importlib.metadata
import os
import re
import shlex
import shutil
import stat
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.code import fingerprint
from pipeline.errors import UsageError

_VENV = "opt/venv"
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
# `python -m venv` brings the one, bootstrap/install.sh the other.
_BESIDE_THE_LOCKS = frozenset({"pip", "pyfarmhash"})
_LOCKS = ("main.lock", "build.lock")
# Imported by site in every process that starts.
_AT_START = "import pipeline.vertex.rehearsal.at_start"


@dataclasses.dataclass(frozen=True)
class Image:
    """A folder that stands for the root of the image's file system."""

    folder: Path
    environment: Mapping[str, str]
    """All that a process in it is given."""

    work: Path
    """Where its processes start."""


def lay_out(repository: Path, folder: Path, commit: str = "") -> Image:
    """Makes the image's files in an empty folder, which must stay while it is used.

    Args:
      repository: with the Dockerfile.
      folder: to fill.
      commit: what it is built from.

    Raises:
      UsageError: there is no Dockerfile, or it copies what is not there, or what the
        image's user could not read.
    """
    docker = _Dockerfile(repository)
    for source, target in docker.copied():
        _copy(source, folder / target)
    for package in fingerprint.PACKAGES:  # as the image has them
        compileall.compile_dir(folder / docker.work / package, quiet=2)
    _lay_out_packages(repository, folder / _VENV, folder / docker.work)
    for empty in (docker.home, "tmp"):
        (folder / empty).mkdir(parents=True)
    environment = {
        **docker.environment(folder, commit),
        "HOME": str(folder / docker.home),
        # The container's own /tmp.
        "TMPDIR": str(folder / "tmp"),
    }
    return Image(folder, environment, folder / docker.work)


class _Dockerfile:
    """The last stage of the Dockerfile; what only a build can do is passed over."""

    def __init__(self, repository: Path) -> None:
        self._repository, file = repository, repository / "Dockerfile"
        if not file.is_file():
            raise UsageError(f"{file} is not there; a rehearsal's containers follow it")
        lines = [
            line
            for line in file.read_text(encoding="utf-8").splitlines()
            if not line.lstrip().startswith("#")
        ]
        logical = "\n".join(lines).replace("\\\n", " ").splitlines()
        words = [shlex.split(line) for line in logical if line.strip()]
        last = max(i for i, line in enumerate(words) if line[0] == "FROM")
        self._stage = words[last:]

    def _of(self, instruction: str) -> list[list[str]]:
        return [line[1:] for line in self._stage if line[0] == instruction]

    @property
    def work(self) -> str:
        """WORKDIR, from the image's root on."""
        return self._of("WORKDIR")[-1][0].strip("/")

    @property
    def home(self) -> str:
        """The home of the image's user, likewise."""
        return f"home/{self._of('USER')[-1][0]}"

    def copied(self) -> Iterator[tuple[Path, str]]:
        """Each file or folder of the repository -> its place from the root on."""
        for *sources, target in self._of("COPY"):
            if sources[0].startswith("--"):
                continue  # of another image
            for source in sources:
                name = Path(source).name if target.endswith("/") else ""
                inside = os.path.join("/", self.work, target, name)
                place = os.path.normpath(inside).lstrip("/")
                yield self._repository / source, place

    def environment(self, folder: Path, commit: str) -> dict[str, str]:
        """ENV, with the layout's folders in place of the image's."""
        known = {"PATH": _SYSTEM_PATH, "COMMIT": commit or "unknown"}
        known |= {
            name: default
            for [argument] in self._of("ARG")
            for name, _, default in [argument.partition("=")]
            if name not in known
        }
        found = {"PATH": _SYSTEM_PATH}
        for assignment in (word for line in self._of("ENV") for word in line):
            name, _, value = assignment.partition("=")
            value = re.sub(r"\$\{?(\w+)\}?", lambda of: known.get(of[1], ""), value)
            known[name] = value
            found[name] = value.replace(f"/{_VENV}", str(folder / _VENV))
        return found


def _copy(source: Path, target: Path) -> None:
    """Copies as COPY does: modes stay, the owner is root, and another user reads."""
    if not source.exists():
        raise UsageError(f"the Dockerfile copies {source}, which is not there")
    below = source.rglob("*") if source.is_dir() else ()
    for path in (source, *below):
        if "__pycache__" in path.parts:  # .dockerignore keeps it out
            continue
        needed = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
        if path.stat().st_mode & needed != needed:
            raise UsageError(
                f"{path} cannot be read by others, so the image's user could not "
                f"read it: chmod o+{'rx' if path.is_dir() else 'r'} {path}"
            )
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _lay_out_packages(repository: Path, venv: Path, work: Path) -> None:
    """A virtual environment of links to this one's packages that the locks have."""
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "python3"):
        (venv / "bin" / name).symlink_to(sys.executable)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", venv)
    here = Path(sysconfig.get_path("purelib"))
    packages = venv / here.relative_to(sys.prefix)
    packages.mkdir(parents=True)
    _link(here, packages, _foreign_files(repository, here))
    # As pip's editable installation does it.
    (packages / "millrace.pth").write_text(f"{work}\n{_AT_START}\n", encoding="utf-8")


def _foreign_files(repository: Path, here: Path) -> frozenset[Path]:
    """The files below a folder of packages that no lock of the image has."""
    locked = set(_BESIDE_THE_LOCKS)
    for lock in _LOCKS:
        text = (repository / "requirements" / lock).read_text(encoding="utf-8")
        locked |= {_normal(name) for name in re.findall(r"^([\w.-]+)==", text, re.M)}
    return frozenset(
        here / file
        for each in importlib.metadata.distributions(path=[str(here)])
        if _normal(each.name) not in locked
        for file in each.files or ()
        if ".." not in file.parts
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _link(source: Path, target: Path, foreign: frozenset[Path]) -> None:
    """Links what is in the source folder, but for the foreign files."""
    shared = {parent for file in foreign for parent in file.parents}
    for path in source.iterdir():
        place = target / path.name
        if path in shared:
            if _holds_more(path, foreign):
                place.mkdir()
                _link(path, place, foreign)
        elif path not in foreign:
            place.symlink_to(path)


def _holds_more(folder: Path, foreign: frozenset[Path]) -> bool:
    """Whether there is a file of another package; bytecode is nobody's."""
    return any(
        path.is_file() and path not in foreign and "__pycache__" not in path.parts
        for path in folder.rglob("*")
    )
