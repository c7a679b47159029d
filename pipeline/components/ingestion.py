"""ExampleGen: raw files to tf.Examples, keyed by content, not modification time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam
from absl import logging
from google.protobuf import json_format, struct_pb2
from tfx import types
from tfx.components.example_gen import driver, input_processor
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import base_beam_executor, executor_spec
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from pipeline import content, recorded
from pipeline.components import payload
from pipeline.data import files as files_lib
from pipeline.data import ingest, spans
from pipeline.data.columns import Kinds
from pipeline.data.in_process import in_process
from pipeline.data.lines import Limits
from pipeline.data.times import Clock
from pipeline.errors import DataRefused, DataUnreadable
from pipeline.nodes import EXAMPLE_GEN

REJECTS_FILE = "rejects.jsonl"
_SHOWN = 5


class ContentInputProcessor(input_processor.FileBasedInputProcessor):
    """Finds the files as TFX does, and fingerprints what is in them.

    TFX takes sizes and modification times: a touched file is a miss, and an edit
    that keeps both is a hit with stale data. And of a range of spans it takes the
    newest that is there; TFX knows one span, or the newest of all.
    """

    def __init__(
        self,
        input_base_uri: str,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
    ) -> None:
        splits = list(splits)
        wanted = range_config.static_range if range_config else None
        if wanted and wanted.start_span_number != wanted.end_span_number:
            first, last = wanted.start_span_number, wanted.end_span_number
            pattern = splits[0].pattern
            names = _names(input_base_uri, pattern)
            span = spans.newest(input_base_uri, names, pattern, first, last)
            range_config = _range(pattern, span)
        for pattern in (split.pattern for split in splits):
            names = _names(input_base_uri, pattern)
            spans.require_one_name_each(input_base_uri, names, pattern)
        super().__init__(input_base_uri, splits, range_config)

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Number of files, bytes, and a SHA-256 over names and contents."""
        files = []
        for split in self._splits:
            pattern = self.get_pattern_for_span_version(split.pattern, span, version)
            files += _files(self._input_base_uri, pattern)
        return content_fingerprint(self._input_base_uri, files)


class ContentDriver(driver.FileBasedDriver):
    """TFX's driver with the fingerprint above."""

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> input_processor.InputProcessor:
        """Returns a ContentInputProcessor."""
        return ContentInputProcessor(input_base_uri or "", splits, range_config)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Plans the units of work, lets Beam spread them, and accounts for every row."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the examples.

        Raises:
          DataRefused: more rows than allowed do not fit the schema.
          DataUnreadable: a file is damaged, or no file is there.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        [artifact] = output_dict[standard_component_specs.EXAMPLES_KEY]
        options = _custom(exec_properties)
        files = _input_files(exec_properties)
        units = files_lib.units(files)
        if not units:
            raise DataUnreadable(f"{', '.join(files)}: there are no rows")
        plan = ingest.Plan(
            folder=artifact.uri,
            units=len(units),
            kinds=options["kinds"],
            buckets=_buckets(exec_properties),
            split_by=options["split_by"],
            clock=Clock(options.get("time_column"), options.get("time_format")),
            limits=Limits(int(options["header_bytes"]), int(options["row_bytes"])),
        )
        if sample := options.get("sample"):
            units = _ingest_sample(units, plan, int(sample))
        else:
            self._ingest(units, plan)
        results = ingest.results(artifact.uri)
        _account(results, len(units), artifact, options["max_reject_share"])
        artifact.split_names = artifact_utils.encode_split_names(list(plan.buckets))
        _describe(artifact, results, plan.clock)
        folder = exec_properties[standard_component_specs.INPUT_BASE_KEY]
        stamps = {file: files_lib.stamp(file) for file in files}
        source = _described_source(artifact, folder, files)
        for unit, result in zip(units, results, strict=True):
            name = os.path.relpath(unit.file, folder)
            _require_what_was_read(result, unit.file, stamps, source[name]["sha256"])

    def _ingest(self, units: list[files_lib.Unit], plan: ingest.Plan) -> None:
        if in_process(self._beam_pipeline_args):
            for unit in units:
                ingest.ingest(unit, plan)
            return
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Units" >> beam.Create(units)
                | "Spread" >> beam.Reshuffle()
                | "Ingest" >> beam.Map(ingest.ingest, plan)
            )


def _ingest_sample(
    units: list[files_lib.Unit], plan: ingest.Plan, rows: int
) -> list[files_lib.Unit]:
    """Reads the first rows of the data, here, and returns the units that hold them."""
    left = rows
    for number, unit in enumerate(units, start=1):
        left -= ingest.ingest(unit, plan, left).read
        if left <= 0:
            return units[:number]
    return units


class ExampleGen(FileBasedExampleGen):
    """CSV or Parquet files -> Examples, split by a hash of the row.

    Component `outputs` contains:
      examples: gzip TFRecords of tf.Example, one folder a split. Custom properties
        `rows_read`, `rows_written`, `rows_rejected`, and those of `recorded.Data`.
    """

    DRIVER_CLASS = ContentDriver
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def example_gen(
    path: str,
    pattern: str,
    splits: Mapping[str, int],
    kinds: Kinds,
    *,
    split_by: str | None = None,
    max_reject_share: float = 0.0,
    span: int | None = None,
    clock: Clock | None = None,
    sample: int | None = None,
    limits: Limits | None = None,
) -> ExampleGen:
    """The first node: the files of the folder, divided into splits.

    Args:
      path: folder with the files.
      pattern: which of them, relative to `path`; TFX's {SPAN}, {VERSION}, {YYYY},
        {MM} and {DD} choose the newest span, and the newest version of it.
      splits: split -> number of hash buckets; a row's bucket never changes.
      kinds: column -> type, from the curated schema.
      split_by: column whose equal values stay in one split; None for the whole row.
      max_reject_share: of the rows, 0 to 1, that may misfit the schema.
      span: this span instead of the newest.
      clock: the column of times, whose least and greatest value are recorded.
      sample: only so many rows, the first of the data.
      limits: what a file may ask of memory.
    """
    clock, limits = clock or Clock(), limits or Limits()
    optional = {
        "time_column": clock.column,
        "time_format": clock.format,
        "sample": sample,
    }
    custom = struct_pb2.Struct()
    custom.update(
        {
            "kinds": dict(kinds),
            "split_by": split_by,
            "max_reject_share": max_reject_share,
            **vars(limits),
            **{name: value for name, value in optional.items() if value},
        }
    )
    custom_config = example_gen_pb2.CustomConfig()
    custom_config.custom_config.Pack(custom)
    return ExampleGen(
        input_base=path,
        input_config=example_gen_pb2.Input(
            splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)]
        ),
        output_config=_output(splits),
        custom_config=custom_config,
        range_config=_range(pattern, span),
    ).with_id(EXAMPLE_GEN)


def query_example_gen(query: str, splits: Mapping[str, int]) -> BaseComponent:
    """The first node on rows of BigQuery: TFX's own component, and its own hash."""
    from tfx.extensions.google_cloud_big_query.example_gen.component import (
        BigQueryExampleGen,
    )

    node = BigQueryExampleGen(query=query, output_config=_output(splits))
    return node.with_id(EXAMPLE_GEN)


def content_fingerprint(folder: str, files: Iterable[str]) -> str:
    """`files:N,bytes:N,sha256:HEX` of the files, by name in the folder and content."""
    return _fingerprint(_manifest(folder, files))


def _fingerprint(found: content.Content) -> str:
    size = sum(entry["size"] for entry in found.values())
    return f"files:{len(found)},bytes:{size},sha256:{content.digest(found)}"


def _manifest(folder: str, files: Iterable[str]) -> content.Content:
    """What the raw files hold; on a disk each is read once in a process."""
    return {os.path.relpath(file, folder): _entry(file) for file in files}


def _entry(file: str) -> content.Entry:
    if "://" not in file:
        return content.of_file(file)
    with fileio.open(file, "rb") as stream:
        return content.of_stream(stream)


def _output(splits: Mapping[str, int]) -> example_gen_pb2.Output:
    split_config = example_gen_pb2.SplitConfig(
        splits=[
            example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=buckets)
            for name, buckets in splits.items()
        ]
    )
    return example_gen_pb2.Output(split_config=split_config)


def _range(pattern: str, span: int | None) -> range_config_pb2.RangeConfig | None:
    if span is not None:
        return range_config_pb2.RangeConfig(
            static_range=range_config_pb2.StaticRange(
                start_span_number=span, end_span_number=span
            )
        )
    if "{" not in pattern:
        return None
    # Without a range TFX takes span 0, not the newest one.
    return range_config_pb2.RangeConfig(
        rolling_range=range_config_pb2.RollingRange(num_spans=1)
    )


def _custom(exec_properties: Mapping[str, Any]) -> dict[str, Any]:
    config, custom = example_gen_pb2.CustomConfig(), struct_pb2.Struct()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], config
    )
    config.custom_config.Unpack(custom)
    return json_format.MessageToDict(custom)


def _input_files(exec_properties: Mapping[str, Any]) -> list[str]:
    """The files of the span and version that the driver chose."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.INPUT_CONFIG_KEY], config
    )
    folder = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    files = _files(folder, config.splits[0].pattern)
    if not files:
        raise DataUnreadable(
            f"{folder}: no file matches '{config.splits[0].pattern}' any more"
        )
    return files


def _names(folder: str, pattern: str) -> list[str]:
    """Of the files of all spans, relative to the folder."""
    found = _files(folder, spans.glob(pattern))
    return [os.path.relpath(file, folder) for file in found]


def _files(folder: str, pattern: str) -> list[str]:
    found = fileio.glob(os.path.join(folder, pattern))
    return sorted(file for file in found if not fileio.isdir(file))


def _buckets(exec_properties: Mapping[str, Any]) -> dict[str, int]:
    config = example_gen_pb2.Output()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.OUTPUT_CONFIG_KEY], config
    )
    return {split.name: split.hash_buckets for split in config.split_config.splits}


def _account(
    results: list[ingest.Result],
    units: int,
    artifact: types.Artifact,
    max_reject_share: float,
) -> None:
    """Rows read = rows written + rows rejected, or this raises."""
    errors = [result.error for result in results if result.error]
    if errors:
        raise DataUnreadable("; ".join(errors))
    read = sum(result.read for result in results)
    written = sum(sum(result.written.values()) for result in results)
    rejected = sum(result.rejected for result in results)
    if len(results) != units or read != written + rejected:
        raise DataUnreadable(
            f"{len(results)} of {units} units of work ended; of {read} rows read, "
            f"{written} were written and {rejected} rejected. Do all workers reach "
            f"{artifact.uri}?"
        )
    rejects = [reject for result in results for reject in result.rejects]
    if rejected > max_reject_share * read:
        raise DataRefused(_refusal(rejects, rejected, read, max_reject_share))
    for name, count in (
        ("rows_read", read),
        ("rows_written", written),
        ("rows_rejected", rejected),
    ):
        artifact.set_int_custom_property(name, count)
    if rejects:
        path = os.path.join(artifact.uri, REJECTS_FILE)
        lines = [json.dumps(vars(reject), ensure_ascii=False) for reject in rejects]
        with fileio.open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
        artifact.set_string_custom_property(recorded.Data.REJECTS_FILE, path)
        logging.warning("%d of %d rows rejected, see %s", rejected, read, path)


def _describe(
    artifact: types.Artifact, results: list[ingest.Result], clock: Clock
) -> None:
    """Records what the examples hold: rows, times, and the files' digests."""
    rows: dict[str, int] = {}
    for result in results:
        for split, count in result.written.items():
            rows[split] = rows.get(split, 0) + count
    artifact.set_string_custom_property(recorded.Data.ROWS, json.dumps(rows))
    times = clock.range_of([time for result in results for time in result.times])
    if clock.column and times:
        artifact.set_string_custom_property(recorded.Data.TIME_COLUMN, clock.column)
        artifact.set_string_custom_property(recorded.Data.TIME_RANGE, json.dumps(times))
    payload.describe(artifact)


def _described_source(
    artifact: types.Artifact, folder: str, files: list[str]
) -> content.Content:
    """Records the raw files: years later nothing else may know them.

    Raises:
      DataUnreadable: they are not what the driver fingerprinted, so nobody can say
        which of the two the examples are.
    """
    source = _manifest(folder, files)
    wanted = artifact.get_string_custom_property(recorded.Data.FINGERPRINT)
    if wanted and wanted != (now := _fingerprint(source)):
        raise _changed(folder, f"before: {wanted}; now: {now}")
    listed = [{"name": name, **entry} for name, entry in source.items()]
    for name, value in (
        (recorded.Data.FILES, json.dumps(listed, ensure_ascii=False)),
        (recorded.Data.FILES_ROOT, folder),
        (recorded.Data.FILES_DIGEST, content.digest(source)),
    ):
        artifact.set_string_custom_property(name, value)
    return source


def _require_what_was_read(
    result: ingest.Result, file: str, stamps: Mapping[str, str], sha256: str
) -> None:
    """Holds that the examples are made of the very bytes that are on record.

    Raises:
      DataUnreadable: the file changed while it was read, if only for a moment.
    """
    if set(result.stamps) != {stamps[file]}:
        raise _changed(file, "its size or times are not what they were")
    if result.sha256 not in (None, sha256):
        raise _changed(file, f"read: {result.sha256}; recorded: {sha256}")


def _changed(what: str, how: str) -> DataUnreadable:
    return DataUnreadable(
        f"{what}: the files changed while they were read ({how}). Nothing was used; "
        "run again when nobody writes there"
    )


def _refusal(
    rejects: list[ingest.Reject], rejected: int, read: int, share: float
) -> str:
    shown = [f"  {reject}" for reject in rejects[:_SHOWN]]
    if len(rejects) > _SHOWN:
        shown.append(f"  and {len(rejects) - _SHOWN} more")
    head = (
        f"{rejected} of {read} rows do not fit the types of the curated schema; "
        f"data.max_reject_share allows {share:g} of them:"
    )
    advice = (
        "Fix the rows, correct the schema, or allow more with that key; what it "
        "allows goes to a rejects file."
    )
    return "\n".join([head, *shown, advice])
