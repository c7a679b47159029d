"""SchemaValidator: statistics against the curated schema; what is not allowed stops."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from pipeline import errors, recorded
from pipeline.runs.not_numbers import NotNumbers

# TFX's own names, so that its readers find the files.
SCHEMA_FILE = "schema.pbtxt"
ANOMALIES_FILE = "SchemaDiff.pb"

_FITTED = "train"
"""The split that a model learns from."""

_NOT_NUMBERS = {
    anomalies_pb2.AnomalyInfo.UNEXPECTED_DATA_TYPE,
    anomalies_pb2.AnomalyInfo.FLOAT_TYPE_HAS_NAN,
    anomalies_pb2.AnomalyInfo.FLOAT_TYPE_HAS_INF,
}


class SchemaValidatorSpec(ComponentSpec):
    """Inputs, outputs and parameters of SchemaValidator."""

    PARAMETERS = {
        "schema_text": ExecutionParameter(type=str),
        "allow": ExecutionParameter(type=str),
        "required": ExecutionParameter(type=str),
        "label": ExecutionParameter(type=str),
        "baseline": ExecutionParameter(type=str, optional=True),
        "baseline_digest": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {"statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics)}
    OUTPUTS = {
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }


class Executor(base_executor.BaseExecutor):
    """Validates every split, writes the anomalies, stops when one is not allowed."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `schema` and `anomalies`.

        Raises:
          DataRefused: with every anomaly that is not on the allow-list.
        """
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        schema_text = exec_properties["schema_text"]
        schema = text_format.Parse(schema_text, schema_pb2.Schema())
        allow = json.loads(exec_properties["allow"])
        required = json.loads(exec_properties.get("required") or "[]")
        label = json.loads(exec_properties.get("label") or "{}")
        baseline = _read_statistics(exec_properties.get("baseline"))

        splits = artifact_utils.decode_split_names(statistics.split_names)
        found = {
            split: _validate(
                statistics,
                split,
                schema,
                baseline,
                required if split == _FITTED else (),
            )
            for split in splits
        }
        unlabelled = {
            split: _require_labels(found[split], _statistics(statistics, split), label)
            for split in splits
            if label
        }
        refused = {
            split: findings(split, anomalies, schema, allow)
            for split, anomalies in found.items()
        }

        _write_schema(output_dict, schema_text)
        odd = [
            each
            for split in splits
            for each in not_numbers(_statistics(statistics, split), split)
        ]
        _write_anomalies(output_dict, found, refused, unlabelled, odd)
        if any(refused.values()):
            raise errors.DataRefused(
                refusal([line for lines in refused.values() for line in lines]),
                {split: found[split].SerializeToString() for split in splits},
                named_by_row(found.values(), schema),
            )


class SchemaValidator(base_component.BaseComponent):
    """The gate before any training.

    ## Example
    ```
    validator = SchemaValidator(
        statistics=statistics.outputs["statistics"], schema_text=text, allow=[]
    )
    transform = Transform(schema=validator.outputs["schema"], ...)
    ```
    Component `outputs` contains:
      schema: the curated schema, exactly as given.
      anomalies: ExampleAnomalies like the stock ExampleValidator's.
    Whoever takes `schema` from here cannot start before the data was accepted.
    """

    SPEC_CLASS = SchemaValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        statistics: types.BaseChannel,
        schema_text: str,
        allow: list[dict[str, str]],
        baseline: str | None = None,
        required: Sequence[str] = (),
        label: Mapping[str, object] | None = None,
    ) -> None:
        """Makes the node.

        Args:
          statistics: ExampleStatistics of all splits.
          schema_text: the curated schema, a text-format proto. Its text is the
            parameter, not its path: an edit is a cache miss, and MLMD keeps it.
          allow: anomalies that may pass: keys feature ('*' for any) and anomaly.
          baseline: file of statistics that the schema's drift comparators compare with,
            on a disk or in a bucket.
          required: columns that a model learns from: each needs a value in train.
          label: `columns` that its rule reads, `missing` and `max_missing_share`.

        Raises:
          UsageError: the baseline cannot be read.
        """
        compared = {}
        if baseline is not None:
            compared = {"baseline": baseline, "baseline_digest": _digest(baseline)}
        super().__init__(
            SchemaValidatorSpec(
                statistics=statistics,
                schema_text=schema_text,
                allow=json.dumps(allow, sort_keys=True),
                required=json.dumps(list(required)),
                label=json.dumps(label or {}, sort_keys=True),
                **compared,
                schema=channel_utils.as_channel([standard_artifacts.Schema()]),
                anomalies=channel_utils.as_channel(
                    [standard_artifacts.ExampleAnomalies()]
                ),
            )
        )


def findings(
    split: str,
    anomalies: anomalies_pb2.Anomalies,
    schema: schema_pb2.Schema,
    allow: list[dict[str, str]],
) -> list[str]:
    """A paragraph for each anomaly that is not allowed; empty when all is well."""
    allowed = {(entry["feature"], entry["anomaly"]) for entry in allow}
    expected = {feature.name: feature for feature in schema.feature}
    paragraphs = []
    for feature, info in _all_anomalies(anomalies):
        for reason in info.reason:
            kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            if allowed & {(feature, kind), ("*", kind)}:
                continue
            paragraphs.append(
                f"feature '{feature}', split '{split}': {kind}\n"
                f"    expected: {_one_line(expected.get(feature))}\n"
                f"    seen:     {reason.description or reason.short_description}"
            )
    return paragraphs


def drifts(found: dict[str, anomalies_pb2.Anomalies]) -> list[str]:
    """A line for each column of each split that moved away from the baseline."""
    return [
        f"{feature}, split '{split}': {reason.description or reason.short_description}"
        for split, anomalies in found.items()
        for feature, info in _all_anomalies(anomalies)
        for reason in info.reason
        if anomalies_pb2.AnomalyInfo.Type.Name(reason.type).startswith("COMPARATOR_")
    ]


def not_numbers(
    seen: statistics_pb2.DatasetFeatureStatisticsList, split: str
) -> Iterator[NotNumbers]:
    """Columns that hold NaN or infinity, which a model takes as missing."""
    for feature in seen.datasets[0].features:
        counted = {custom.name: int(custom.num) for custom in feature.custom_stats}
        nan = counted.get(recorded.Statistics.NAN, 0)
        infinite = counted.get(recorded.Statistics.INFINITE, 0)
        if nan or infinite:
            name = feature.name or ".".join(feature.path.step)
            yield NotNumbers(split=split, column=name, nan=nan, infinite=infinite)


def named_by_row(
    found: Iterable[anomalies_pb2.Anomalies], schema: schema_pb2.Schema
) -> tuple[str, ...]:
    """Numeric columns that hold text, NaN or infinity: worth naming the row."""
    numeric = {f.name for f in schema.feature if f.type != schema_pb2.BYTES}
    columns = {
        feature
        for anomalies in found
        for feature, info in anomalies.anomaly_info.items()
        if {reason.type for reason in info.reason} & _NOT_NUMBERS
    }
    return tuple(sorted(columns & numeric))


def refusal(paragraphs: list[str]) -> str:
    """What a person reads when the data is refused."""
    shown = "\n  ".join(paragraphs)
    count = "1 anomaly" if len(paragraphs) == 1 else f"{len(paragraphs)} anomalies"
    return (
        f"the data does not fit the curated schema ({count}):\n"
        f"  {shown}\n"
        "To do: fix the data; or, if the change is meant, look at "
        "`python local_runner.py schema diff` and edit the schema file; or allow this "
        "one anomaly under validation.allow in the configuration, with a reason."
    )


def _all_anomalies(
    anomalies: anomalies_pb2.Anomalies,
) -> list[tuple[str, anomalies_pb2.AnomalyInfo]]:
    everything = sorted(anomalies.anomaly_info.items())
    if anomalies.HasField("dataset_anomaly_info"):
        everything.append(("(the whole data set)", anomalies.dataset_anomaly_info))
    return everything


def _one_line(feature: schema_pb2.Feature | None) -> str:
    if feature is None:
        return "no such column"
    return text_format.MessageToString(feature, as_one_line=True)


def _validate(
    statistics: types.Artifact,
    split: str,
    schema: schema_pb2.Schema,
    baseline: statistics_pb2.DatasetFeatureStatisticsList | None,
    required: Sequence[str],
) -> anomalies_pb2.Anomalies:
    seen = _statistics(statistics, split)
    found = tfdv.validate_statistics(seen, schema, previous_statistics=baseline)
    _require_values(found, seen, required)
    return found


def _require_values(
    found: anomalies_pb2.Anomalies,
    seen: statistics_pb2.DatasetFeatureStatisticsList,
    required: Sequence[str],
) -> None:
    """Adds an anomaly for each required column without a single value.

    The schema may let it be missing, and a model would get a weight for it that was
    never trained, and use it when the column is served.
    """
    filled = {
        feature.name or ".".join(feature.path.step)
        for feature in seen.datasets[0].features
        if _common(feature).tot_num_values
    }
    for column in required:
        if column not in filled:
            reason = found.anomaly_info[column].reason.add()
            reason.type = anomalies_pb2.AnomalyInfo.FEATURE_TYPE_NOT_PRESENT
            reason.short_description = "no values"
            reason.description = (
                "no row has a value, so a model cannot learn what the column means"
            )


def _require_labels(
    found: anomalies_pb2.Anomalies,
    seen: statistics_pb2.DatasetFeatureStatisticsList,
    label: Mapping[str, Any],
) -> int:
    """Rows without a label; adds an anomaly where there are more than may be.

    The statistics know each column alone, so of two columns it is the emptier one's.
    """
    rows = int(seen.datasets[0].num_examples)
    filled = {
        feature.name or ".".join(feature.path.step): _common(feature).tot_num_values
        for feature in seen.datasets[0].features
    }
    column = min(label["columns"], key=lambda name: filled.get(name, 0))
    missing = rows - int(filled.get(column, 0))
    share = missing / rows if rows else 0.0
    allowed = 0.0 if label["missing"] == "refuse" else label["max_missing_share"]
    if share > allowed:
        reason = found.anomaly_info[column].reason.add()
        reason.type = anomalies_pb2.AnomalyInfo.FEATURE_TYPE_LOW_FRACTION_PRESENT
        reason.short_description = "rows without a label"
        reason.description = (
            f"{missing:,} of {rows:,} rows have no label ({share:.1%}); "
            f"features.label.missing is '{label['missing']}' and max_missing_share "
            f"{label['max_missing_share']:g}"
        )
    return missing


def _statistics(
    statistics: types.Artifact, split: str
) -> statistics_pb2.DatasetFeatureStatisticsList:
    return stats_artifact_utils.load_statistics(statistics, split).proto()


def _common(
    feature: statistics_pb2.FeatureNameStatistics,
) -> statistics_pb2.CommonStatistics:
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats if kind else _NOTHING


_NOTHING = statistics_pb2.CommonStatistics()


def _read_statistics(
    path: str | None,
) -> statistics_pb2.DatasetFeatureStatisticsList | None:
    if not path:
        return None
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())


def _digest(baseline: str) -> str:
    try:
        with fileio.open(baseline, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except (OSError, fileio.NotFoundError, tf.errors.OpError) as error:
        raise errors.UsageError(
            f"validation.baseline_statistics: {baseline} cannot be read: {error}"
        ) from None


def _write_schema(output_dict: dict[str, list[types.Artifact]], text: str) -> None:
    artifact = artifact_utils.get_single_instance(output_dict["schema"])
    io_utils.write_string_file(os.path.join(artifact.uri, SCHEMA_FILE), text)
    artifact.set_string_custom_property(
        recorded.Schema.DIGEST, hashlib.sha256(text.encode()).hexdigest()
    )


def _write_anomalies(
    output_dict: dict[str, list[types.Artifact]],
    found: dict[str, anomalies_pb2.Anomalies],
    refused: dict[str, list[str]],
    unlabelled: dict[str, int],
    odd: Sequence[NotNumbers],
) -> None:
    artifact = artifact_utils.get_single_instance(output_dict["anomalies"])
    artifact.split_names = artifact_utils.encode_split_names(list(found))
    for split, anomalies in found.items():
        path = os.path.join(artifact.uri, f"Split-{split}", ANOMALIES_FILE)
        io_utils.write_bytes_file(path, anomalies.SerializeToString())
    blessed = {split: int(not lines) for split, lines in refused.items()}
    artifact.set_json_value_custom_property("blessed", blessed)
    artifact.set_string_custom_property(
        recorded.Anomalies.DRIFTED, json.dumps(drifts(found))
    )
    artifact.set_string_custom_property(
        recorded.Anomalies.UNLABELLED, json.dumps(unlabelled, sort_keys=True)
    )
    artifact.set_string_custom_property(
        recorded.Anomalies.NOT_NUMBERS, json.dumps([each.to_dict() for each in odd])
    )
