"""Secrets of a job on Vertex: only what its containers can reach."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.config.config import Config
from pipeline.errors import ConfigError

_OF_THIS_MACHINE = ("env:", "file:")


def require_reachable(config: Config) -> None:
    """Looks at every channel's references; asks nobody for a secret.

    Raises:
      ConfigError: names each one that only this machine could follow.
    """
    problems = list(_problems(config))
    if problems:
        raise ConfigError(
            "a container on Vertex has neither this machine's environment nor its "
            "files:\n" + "\n".join(f"  {problem}" for problem in problems)
        )


def _problems(config: Config) -> Iterator[str]:
    project = config.vertex.project if config.vertex else "PROJECT"
    for name, channel in config.notifications.channels.items():
        for field, value in channel:
            if isinstance(value, str) and value.startswith(_OF_THIS_MACHINE):
                secret = f"{config.pipeline_name}-{name}-{field}"
                yield (
                    f"notifications.channels.{name}.{field}: {value}. Keep it in "
                    f"Secret Manager (gcloud secrets create {secret} --data-file=-) "
                    "and write "
                    f"sm://projects/{project}/secrets/{secret}/versions/latest"
                )
