"""Typed, frozen configuration: YAML layers, then --set; every value knows its origin.

Layers, each over the one before: configs/base.yaml (what we learn), configs/local.yaml
or configs/vertex.yaml (where it runs), the user's own files (--config), --set.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field

from pipeline.beam_config import BeamConfig
from pipeline.errors import ConfigError
from pipeline.metadata_config import MetadataConfig
from pipeline.model_card_config import ModelCardConfig
from pipeline.notifications.settings import NotificationsConfig
from pipeline.vertex_config import VertexConfig
from trainer.config import TrainingConfig
from transform.features import Features

ROOT = Path(__file__).resolve().parent.parent
"""The repository: relative paths in configuration files start here."""

LOCK = ROOT / "requirements" / "main.lock"
"""Which versions of every library run, with hashes."""


METRICS = {
    "auc": "AUC",
    "accuracy": "BinaryAccuracy",
    "precision": "Precision",
    "recall": "Recall",
    "calibration": "Calibration",
    "mean_label": "MeanLabel",
    "mean_prediction": "MeanPrediction",
    "example_count": "ExampleCount",
}
"""Our name of a metric -> TFMA's class."""


_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,55}")


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Frozen):
    """Where the raw data is and what it should look like."""

    path: str
    """Folder with the files; `package:NAME/...` means inside an installed package."""

    query: str | None = None
    """BigQuery SQL that gives the rows, by TFX's own component; `path` is not read."""

    pattern: str = "*"
    """Which files of the folder. `{SPAN}`, `{VERSION}`, `{YYYY}`, `{MM}` and `{DD}` as
    TFX has them: the newest span, and the newest version of it."""

    span: int | None = Field(default=None, ge=0)
    """This span instead of the newest."""

    schema_file: str
    """The curated schema (text-format proto) that the data must fit."""

    splits: dict[str, int] = {"train": 6, "eval": 2, "test": 2}
    """Split -> hash buckets: train is fitted, eval stops early, test is judged."""

    split_by: str | None = None
    """Column whose equal values stay in one split; default: the whole row decides."""

    time_column: str | None = None
    """Column that says when a row happened; its least and greatest value are on
    record."""

    max_reject_share: float = Field(default=0.0, ge=0, lt=1)
    """Rows that do not fit the schema's types go to a rejects file, up to this share
    of all rows; more of them refuse the data."""

    sample: int | None = Field(default=None, ge=1)
    """Use only the first N rows of the data; such a model is never pushed."""

    @pydantic.field_validator("pattern")
    @classmethod
    def _is_one_that_tfx_knows(cls, pattern: str) -> str:
        if "**" in pattern:
            raise ValueError("TFX reads ** as *; say how many folders deep: */*.csv")
        return pattern

    @pydantic.model_validator(mode="after")
    def _has_spans_to_choose_from(self) -> DataConfig:
        if self.span is not None and "{" not in self.pattern:
            raise ValueError("span is set, and pattern has no {SPAN} or {YYYY}{MM}{DD}")
        return self

    @property
    def is_remote(self) -> bool:
        """Whether only a service can say what the data are now."""
        return self.query is not None or "://" in self.path

    @pydantic.field_validator("splits")
    @classmethod
    def _has_three_splits(cls, splits: dict[str, int]) -> dict[str, int]:
        if set(splits) != {"train", "eval", "test"} or min(splits.values()) < 1:
            raise ValueError("needs train, eval and test, each 1 or more buckets")
        return splits


class AllowedAnomaly(_Frozen):
    """One anomaly that does not stop a run."""

    feature: str
    """Column name, or '*' for any."""

    anomaly: str
    """TFDV's name of the anomaly, such as ENUM_TYPE_UNEXPECTED_STRING_VALUES."""

    reason: str
    """Why it is acceptable; an auditor will ask."""


class ValidationConfig(_Frozen):
    """What SchemaValidator lets pass."""

    allow: tuple[AllowedAnomaly, ...] = ()

    baseline_statistics: str | None = None
    """Statistics that the schema's drift comparators compare with; `schema baseline`
    writes them. Drift that is on the allow-list is told, and passes."""


class Threshold(_Frozen):
    """Bounds for one metric; at least one must be given."""

    min: float | None = None
    """Smallest allowed value."""

    max: float | None = None
    """Largest allowed value."""

    max_loss: float | None = None
    """How much worse than the baseline it may be (in the metric's own unit)."""

    higher_is_better: bool = True
    """Direction that `max_loss` is measured in."""

    @pydantic.model_validator(mode="after")
    def _says_something(self) -> Threshold:
        if self.min is self.max is self.max_loss is None:
            raise ValueError("give min, max or max_loss")
        return self


def _known_metrics(thresholds: dict[str, Threshold]) -> dict[str, Threshold]:
    for name in thresholds:
        if name not in METRICS:
            raise ValueError(f"'{name}' is not a metric here. Known: {_list(METRICS)}")
    return thresholds


Thresholds = Annotated[dict[str, Threshold], pydantic.AfterValidator(_known_metrics)]


class Slice(_Frozen):
    """Metrics for each value of a column, with floors of their own."""

    column: str
    """Raw column whose values make the slices."""

    floors: Thresholds = {}
    """Metric -> bounds that every judged slice must keep."""

    min_examples: int = Field(default=100, ge=1)
    """Smaller slices are shown, not judged: their metrics are mostly noise."""


class EvaluationConfig(_Frozen):
    """When a model is good enough."""

    thresholds: Thresholds
    """Metric -> bounds overall."""

    slices: tuple[Slice, ...] = ()

    unusable_baseline: Literal["refuse", "accept"] = "refuse"
    """The latest blessed model cannot be evaluated any more (a new vocabulary or
    signature, tfx#4390): refuse the candidate, or judge it by value bounds alone."""


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
    evaluation: EvaluationConfig
    push: PushConfig = PushConfig()
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
            problems = beam.problems(
                info.data["output_root"], vertex is not None, image
            )
            if text := "; ".join(problems):
                raise ValueError(text)
        return beam

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
    layers = [ROOT / "configs" / "base.yaml", ROOT / "configs" / f"{platform}.yaml"]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for file in [*layers, *map(Path, files)]:
        _merge(merged, read_yaml(file), str(file), origins)
    for override in overrides:
        _merge(merged, _parse_override(override), "--set", origins)
    try:
        config = Config.model_validate(merged)
    except pydantic.ValidationError as error:
        raise ConfigError(_explain(error, origins)) from None
    return Loaded(_with_absolute_paths(config, origins), origins)


def with_value(config: Config, key: str, value: Any) -> Config:
    """The configuration with another value at a dotted key, checked anew.

    Raises:
      ValueError: in words, what the key allows.
    """
    values = config.model_dump(mode="json")
    *parents, last = key.split(".")
    holder = values
    for parent in parents:
        holder = holder[parent]
    holder[last] = value
    try:
        return Config.model_validate(values)
    except pydantic.ValidationError as error:
        words = [_problem_text(problem) for problem in error.errors()]
        raise ValueError(" ".join(words)) from None


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every (dotted key, value) of a nested mapping."""
    if isinstance(value, Mapping) and value:
        for key, child in value.items():
            yield from leaves(child, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def read_yaml(file: Path) -> dict[str, Any]:
    """The keys and values of a file; none of an empty one.

    Raises:
      ConfigError: it is not there, or not YAML, or something else than keys and values.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8: {error}") from None
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        # Not its own words: they show the line, and that may hold a secret.
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError(f"{file}{where}: is not YAML: {what}") from None
    if not isinstance(value, dict | None):
        raise ConfigError(f"{file}: expected keys and values, got {value!r}")
    return value or {}


def _parse_override(override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    if not (equals and all(key.split("."))):
        raise ConfigError(f"--set {override}: expected key=value, such as a.b=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


# What these map is data (a column, a metric), so a layer replaces the whole of it:
# a second data set must not inherit the first one's columns.
_REPLACED = frozenset(
    {
        "features",
        "data.splits",
        "evaluation.thresholds",
    }
)


def _merge(
    into: dict[str, Any],
    layer: Mapping[str, Any],
    origin: str,
    origins: dict[str, str],
    prefix: str = "",
) -> None:
    for key, value in layer.items():
        dotted = f"{prefix}{key}"
        nested = isinstance(value, Mapping) and isinstance(into.get(key), dict)
        if nested and not (dotted in _REPLACED and origin != "--set"):
            _merge(into[key], value, origin, origins, f"{dotted}.")
            continue
        for known in [k for k in origins if k == dotted or k.startswith(f"{dotted}.")]:
            del origins[known]
        into[key] = _copied(value)
        origins.update({leaf: origin for leaf, _ in leaves(value, dotted)})


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(child) for key, child in value.items()}
    return value


def _explain(error: pydantic.ValidationError, origins: Mapping[str, str]) -> str:
    lines = ["the configuration is not valid:"]
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        origin = _origin_of(key, origins)
        lines.append(f"  {key} ({origin}): {_problem_text(problem)}")
    return "\n".join(lines)


def _problem_text(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        known = _fields_beside(problem["loc"])
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"Known: {_list(known)}."
        return f"unknown key. {hint}"
    if problem["type"] == "missing":
        return "is required and missing."
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "union_tag_invalid":
        return f"kind: expected one of {problem['ctx']['expected_tags']}."
    # What was seen there may be a secret that belongs elsewhere.
    hidden = problem["loc"][0] in ("notifications", "metadata")
    if hidden or isinstance(problem["input"], Mapping):
        return f"{text}."
    return f"{text}; got {problem['input']!r}."


def _fields_beside(location: Sequence[Any]) -> list[str]:
    models: list[Any] = [Config]
    for part in location[:-1]:
        fields = [m.model_fields[part] for m in models if part in m.model_fields]
        if fields:
            models = _models_in(fields[0].annotation)
        # Of several kinds, pydantic puts the one it took into the location.
        models = [m for m in models if _kind_of(m) == part] or models
    return sorted({name for model in models for name in model.model_fields})


def _models_in(annotation: Any) -> list[Any]:
    """The models inside an annotation such as `tuple[Slice, ...]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [
        model
        for inner in getattr(annotation, "__args__", ())
        for model in _models_in(inner)
    ]


def _kind_of(model: Any) -> Any:
    kind = model.model_fields.get("kind")
    return kind.annotation.__args__[0] if kind else None


def _origin_of(key: str, origins: Mapping[str, str]) -> str:
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        for known, origin in origins.items():
            if known == prefix or known.startswith(f"{prefix}."):
                return origin
    return "no layer sets it"


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
