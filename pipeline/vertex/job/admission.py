"""What is refused before a job is compiled, sent or paid for.

A rehearsal, whose containers see this machine's folders, asks for the parameters alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pipeline.code import packages
from pipeline.config.config import Config
from pipeline.errors import ConfigError
from pipeline.vertex.job import parameters, secret_references

_SCHEME = "package:"
_BUCKET = "gs://"


def require(config: Config, given: Mapping[str, str] = MappingProxyType({})) -> None:
    """Looks at what a job could not reach, and at its parameters; asks nobody.

    Args:
      config: of the vertex platform.
      given: name -> text, as at submission.

    Raises:
      ConfigError: names every path, or secret, that only this machine has.
      UsageError: names every parameter that the job will not take.
    """
    secret_references.require_reachable(config)
    if found := list(path_problems(config)):
        lines = "".join(f"\n  {problem}" for problem in found)
        raise ConfigError(f"a job on Vertex cannot reach these:{lines}")
    parameters.require(config, given)


def path_problems(config: Config) -> Iterator[str]:
    """A line for each path that is only on this machine, and what to do.

    In the image there are the installed packages and the project's own; the schema's
    text travels in the job.
    """
    if not config.output_root.startswith(_BUCKET):
        yield (
            f"output_root: {config.output_root}, where tasks write; expected "
            "gs://BUCKET/FOLDER"
        )
    if config.push.path and not config.push.path.startswith(_BUCKET):
        yield (
            f"push.path: {config.push.path}, where models are pushed to; expected "
            "gs://BUCKET/FOLDER, or nothing: below output_root"
        )
    if "://" in config.data.schema_file:
        yield (
            f"data.schema_file: {config.data.schema_file}; expected a file here, whose "
            "text travels in the job"
        )
    yield from _of_data(config)
    yield from _of_baseline(config)


def _of_data(config: Config) -> Iterator[str]:
    path = config.data.path
    if config.data.query is None and not _is_there(path):
        target = f"{config.output_root}/data"
        yield (
            f"data.path: {path} is a folder of this machine. Copy it (gcloud storage "
            f"cp -r {path} {target}) and set data.path={target}, or name a folder of "
            "an installed package: package:NAME/FOLDER"
        )


def _of_baseline(config: Config) -> Iterator[str]:
    path = config.validation.baseline_statistics
    if path is not None and not _is_there(path):
        yield (
            f"validation.baseline_statistics: {path}; expected gs://BUCKET/FILE, or a "
            "file of the project's own packages, which are in the image, such as "
            "transform/baseline.pb"
        )


def _is_there(path: str) -> bool:
    return path.startswith(_BUCKET) or packages.reference(path).startswith(_SCHEME)
