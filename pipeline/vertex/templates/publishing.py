"""This commit's pipeline into the registry, under its tags."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence

from pipeline.code import version as code
from pipeline.config.config import ROOT
from pipeline.errors import UsageError
from pipeline.gcp import template_files, templates
from pipeline.gcp.templates import Move, Package

LATEST = "latest"


@dataclasses.dataclass(frozen=True)
class Publication:
    """What is to be done, or was."""

    package: Package
    version: str
    is_new: bool
    """Whether the bytes were not there before."""

    moves: tuple[Move, ...]


def tags(more: Sequence[str] = (), *, allow_dirty: bool = False) -> list[str]:
    """This commit, the project's version and `latest`, then those of the user.

    What was changed since the commit is only ever published as COMMIT-dirty: it moves
    neither the version nor `latest`, which people run.

    Raises:
      UsageError: the tree is dirty, or no git tree.
    """
    commit = code.revision()
    if not commit:
        raise UsageError("publish needs the git repository: its commit is a tag")
    if not commit.endswith("-dirty"):
        return [commit, _project_version(), LATEST, *more]
    if allow_dirty:
        return [commit, *more]
    raise UsageError(
        "files were changed since the last commit, so what is published could not be "
        f"found again. Commit them; or --allow-dirty publishes as {commit}"
    )


def plan(package: Package, content: bytes, wanted: Sequence[str]) -> Publication:
    """What publishing would do; asks the registry and changes nothing.

    Args:
      package: where to.
      content: the pipeline spec as YAML, UTF-8.
      wanted: the tags that it gets.
    """
    templates.check_tags(wanted)
    known = templates.versions(package)
    version = template_files.version_of(content)
    is_new = version not in {template.version for template in known}
    moves = templates.plan(known, version, wanted)
    return Publication(package, version, is_new, tuple(moves))


def publish(publication: Publication, content: bytes) -> None:
    """Uploads what is not there, then moves the tags.

    In this order: whoever asks for a tag gets the old version or the new one, and a
    command that was cut off in between can be given again.
    """
    if publication.is_new:
        template_files.upload(publication.package, content)
    templates.move(publication.package, publication.moves)


def _project_version() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["version"]
