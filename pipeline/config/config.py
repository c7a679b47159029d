"""Typed, frozen configuration: YAML layers, then --set; every value knows its origin.

Layers, each over the one before: configs/base.yaml (what is true of any data), the
example configs/taxi/taxi.yaml unless a file of the user names features,
configs/local.yaml or configs/vertex.yaml (where it runs), the user's own files
(--config), --set.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from pipeline.config import layers, problems
from pipeline.config.beam import BeamConfig
from pipeline.config.cache import CacheConfig
from pipeline.config.data import DataConfig, ValidationConfig
from pipeline.config.evaluation import EvaluationConfig
from pipeline.config.metadata import MetadataConfig
from pipeline.config.model_card import ModelCardConfig
from pipeline.config.notifications import NotificationsConfig
from pipeline.config.vertex import VertexConfig
from pipeline.errors import ConfigError
from trainer.config import TrainingConfig
from transform.features import Features

ROOT = Path(__file__).resolve().parents[2]
"""The repository: relative paths in configuration files start here."""

LOCK = ROOT / "requirements" / "main.lock"
"""Which versions of every library run, with hashes."""


_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,55}")


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PushConfig(_Frozen):
    """Where and when a blessed model goes out."""

    path: str | None = None
    """TensorFlow Serving's base folder; None means OUTPUT_ROOT/serving/PIPELINE."""

    promote: bool = True
    """Whether a pushed model becomes the champion, and is served, at once; if not, it
    is the candidate until a person promotes it (`model promote`)."""

    seen_as: str | None = None
    """The same folder as the model server sees it, such as a container's mount."""

    check_rows: int = Field(default=200, ge=1)
    """Raw rows that the model must answer in a fresh process before it is pushed."""

    max_p95_ms: float | None = Field(default=None, gt=0)
    """Refuse to push when 95 % of single-row requests take longer than this."""

    max_size_mb: float | None = Field(default=None, gt=0)
    """Refuse to push a SavedModel larger than this."""


class Config(_Frozen):
    """Everything a run depends on."""

    pipeline_name: str
    """Lower case, digits and dashes: what both MLMD and Vertex accept."""

    output_root: str
    """Folder (or bucket) for artifacts, metadata, logs and pushed models."""

    metadata: MetadataConfig = MetadataConfig()
    data: DataConfig
    features: Features
    validation: ValidationConfig = ValidationConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    push: PushConfig = PushConfig()
    cache: CacheConfig = CacheConfig()
    notifications: NotificationsConfig = NotificationsConfig()
    model_card: ModelCardConfig = ModelCardConfig()

    not_blessed_exit_code: Literal[0, 4] = 4
    """Exit code of a run whose model was refused."""

    vertex: VertexConfig | None = None
    beam: BeamConfig = BeamConfig()

    @pydantic.field_validator("beam")
    @classmethod
    def _can_do_the_work(
        cls, beam: BeamConfig, info: pydantic.ValidationInfo
    ) -> BeamConfig:
        if {"output_root", "vertex"} <= info.data.keys():
            vertex = info.data["vertex"]
            image = vertex.image if vertex else None
            lacks = beam.problems(info.data["output_root"], vertex is not None, image)
            if text := "; ".join(lacks):
                raise ValueError(text)
        return beam

    @pydantic.field_validator("output_root")
    @classmethod
    def _is_no_pattern(cls, path: str) -> str:
        return problems.no_pattern(path)

    @pydantic.field_validator("pipeline_name")
    @classmethod
    def _is_a_name_that_vertex_takes(cls, name: str) -> str:
        if _NAME.fullmatch(name):
            return name
        fixed = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:56]
        hint = f"; '{fixed}' would do" if fixed else ""
        raise ValueError(
            "expected 1 to 56 lower-case letters, digits and dashes, and no dash at "
            f"the start{hint}"
        )

    @property
    def digest(self) -> str:
        """SHA-256 of all values, the same for the same values."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def run_name(self) -> str:
        """The pipeline's name in MLMD: a sample is a pipeline of its own."""
        if self.data.sample is None or self.pipeline_name.endswith("-sample"):
            return self.pipeline_name
        return f"{self.pipeline_name}-sample"

    @property
    def metadata_path(self) -> str:
        """ML Metadata's SQLite file, where no other store is configured."""
        return os.path.join(self.output_root, "metadata.sqlite")

    @property
    def store(self) -> str:
        """Where runs are recorded: that file, or the address of a server."""
        return self.metadata.store or self.metadata_path

    @property
    def artifacts_path(self) -> str:
        """TFX's pipeline root: what the nodes write."""
        return os.path.join(self.output_root, "artifacts")

    @property
    def runs_path(self) -> str:
        """A folder for each run: its log, message, configuration and summary."""
        return os.path.join(self.output_root, "runs")

    @property
    def watch_path(self) -> str:
        """What `watch` told, beside the runs: there is no run to tell of."""
        return os.path.join(self.output_root, "watch")

    @property
    def serving_path(self) -> str:
        """TensorFlow Serving's base folder."""
        own = os.path.join(self.output_root, "serving", self.pipeline_name)
        return self.push.path or own


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A configuration and where each of its values came from."""

    config: Config
    origins: dict[str, str]
    """Dotted key -> file or '--set'; keys that are not here are defaults."""


EXAMPLE = "configs/taxi/taxi.yaml"
"""What is learned when no configuration of the user says what."""


def load(
    files: Sequence[Path | str] = (),
    overrides: Sequence[str] = (),
    platform: str = "local",
) -> Loaded:
    """Reads the layers and checks the result.

    Args:
      files: the user's own YAML files, later ones over earlier ones.
      overrides: 'dotted.key=value', the value written as YAML.
      platform: 'local' or 'vertex', the layer over base.

    Raises:
      ConfigError: names every problem: file, key, what was seen, what is allowed.
    """
    own = {file: layers.read_yaml(file) for file in map(Path, files)}
    ours = [ROOT / "configs" / "base.yaml"]
    if not any("features" in layer for layer in own.values()):
        # Who learns something else takes nothing of the example: no bound, no slice.
        ours.append(ROOT / EXAMPLE)
    ours.append(ROOT / "configs" / f"{platform}.yaml")
    merged: dict[str, object] = {}
    origins: dict[str, str] = {}
    for file, layer in [*((f, layers.read_yaml(f)) for f in ours), *own.items()]:
        layers.merge(merged, layer, str(file), origins)
    for override in overrides:
        layers.merge(merged, layers.read_override(override), "--set", origins)
    try:
        config = Config.model_validate(merged)
    except pydantic.ValidationError as error:
        lines = problems.listed(error, Config, origins)
        raise ConfigError(f"the configuration is not valid:\n{lines}") from None
    if config.vertex:
        _require_name_of_vertex(config.pipeline_name, origins)
    return Loaded(_with_absolute_paths(config, origins), origins)


def _require_name_of_vertex(name: str, origins: Mapping[str, str]) -> None:
    """The SDK's pattern of a job's id, which begins with it: a letter first."""
    if name[0].isalpha():
        return
    rest = name.lstrip("0123456789-")
    begin = name.removesuffix(rest).strip("-")
    fixed = f"{rest or 'p'}-{begin}"
    raise ConfigError(
        f"pipeline_name ({origins.get('pipeline_name', 'default')}): '{name}': a job "
        f"on Vertex is named after it, and begins with a letter; '{fixed[:56]}' would "
        "do"
    )


def with_value(config: Config, key: str, value: Any) -> Config:
    """The configuration with another value at a dotted key, checked anew.

    What the key stands in is made, if nothing is there yet.

    Raises:
      ValueError: in words, what the key allows.
    """
    values = config.model_dump(mode="json")
    *parents, last = key.split(".")
    holder = values
    for parent in parents:
        holder = holder.setdefault(parent, {})
        if not isinstance(holder, dict):
            raise ValueError(f"'{parent}' of '{key}' holds no other keys")
    holder[last] = value
    try:
        return Config.model_validate(values)
    except pydantic.ValidationError as error:
        words = [problems.words(problem, Config) for problem in error.errors()]
        raise ValueError(" ".join(words)) from None


PATHS = (
    "data.path",
    "data.schema_file",
    "validation.baseline_statistics",
    "output_root",
    "push.path",
)
"""Keys whose values are paths; loaded, they are absolute."""


def _with_absolute_paths(config: Config, origins: Mapping[str, str]) -> Config:
    values = config.model_dump()
    for dotted in PATHS:
        *parents, last = dotted.split(".")
        holder = values
        for parent in parents:
            holder = holder[parent]
        if holder[last] is not None:
            holder[last] = _absolute(holder[last], dotted, origins.get(dotted, ""))
    return Config.model_validate(values)


def _absolute(path: str, key: str, origin: str) -> str:
    if "://" in path:
        return path
    if path.startswith("package:"):
        return in_package(path.removeprefix("package:"), key, origin)
    base = Path.cwd() if origin == "--set" else ROOT
    return os.path.normpath(base / Path(path).expanduser())


def in_package(path: str, key: str, origin: str) -> str:
    """The path of a file of an installed package, NAME/REST.

    Raises:
      ConfigError: there is no such package; names the key, and where it was set.
    """
    name, _, rest = path.partition("/")
    # Found, not imported: importing tfx takes ten seconds.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"{key} ({origin}): no package '{name}' is installed.")
    return os.path.join(spec.submodule_search_locations[0], rest)
