"""The registered model that a configuration means, and its versions by alias."""

from __future__ import annotations

import dataclasses
import re

from pipeline import clients
from pipeline.config import Config
from pipeline.errors import ConfigError, UsageError
from pipeline.vertex_config import VertexConfig

REQUEST_S = 60


@dataclasses.dataclass(frozen=True)
class Registered:
    """A model of Vertex AI's Model Registry."""

    config: VertexConfig
    model: str
    """Its id."""

    @property
    def parent(self) -> str:
        """The location's resource name."""
        return f"projects/{self.config.project}/locations/{self.config.region}"

    @property
    def name(self) -> str:
        """Its resource name, without a version."""
        return f"{self.parent}/models/{self.model}"

    def version(self, wanted: str) -> str:
        """The number of the version with that number or alias, such as `candidate`.

        Raises:
          UsageError: there is none.
        """
        from google.api_core import exceptions
        from google.cloud.aiplatform_v1 import ModelServiceClient

        if not re.fullmatch(r"[0-9]+|[a-z][a-zA-Z0-9-]*", wanted):
            raise UsageError(f"'{wanted}' is no version: expected a number or an alias")
        service = clients.vertex(ModelServiceClient, self.config.region)
        with clients.asking(f"look for version {wanted}"):
            try:
                name = f"{self.name}@{wanted}"
                return service.get_model(name=name, timeout=REQUEST_S).version_id
            except exceptions.NotFound:
                raise UsageError(
                    f"{self.name} has no version {wanted}. "
                    "`python vertex_runner.py model list` shows what it has"
                ) from None


def of(config: Config) -> Registered:
    """The configuration's model.

    Raises:
      ConfigError: it registers none.
    """
    if config.vertex is None or config.vertex.model is None:
        raise ConfigError(
            "vertex.model is not set, so no model is registered. Give it the image "
            "that serves: --set vertex.model.serving_image=IMAGE"
        )
    return Registered(config.vertex, config.vertex.model.name or config.pipeline_name)
