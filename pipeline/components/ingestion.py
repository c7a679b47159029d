"""ExampleGen: raw files to tf.Examples, keyed by content, not modification time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping

from tfx.components.example_gen import driver, input_processor
from tfx.components.example_gen.csv_example_gen.component import CsvExampleGen
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2


class ContentInputProcessor(input_processor.FileBasedInputProcessor):
    """Finds the files as TFX does, and fingerprints what is in them.

    TFX takes sizes and modification times: a touched file is a miss, and an edit
    that keeps both is a hit with stale data.
    """

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Number of files, bytes, and a SHA-256 over names and contents."""
        files = []
        for split in self._splits:
            pattern = self.get_pattern_for_span_version(split.pattern, span, version)
            files += fileio.glob(os.path.join(self._input_base_uri, pattern))
        return content_fingerprint(sorted(files))


class ContentDriver(driver.FileBasedDriver):
    """TFX's driver with the fingerprint above."""

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> input_processor.InputProcessor:
        """Returns a ContentInputProcessor."""
        return ContentInputProcessor(input_base_uri, splits, range_config)


class ExampleGen(CsvExampleGen):
    """CSV files -> Examples, split by a hash of the row.

    Component `outputs` contains:
      examples: gzip TFRecords of tf.Example, one folder a split.
    """

    DRIVER_CLASS = ContentDriver


def example_gen(path: str, splits: Mapping[str, int]) -> ExampleGen:
    """The first node: every file of the folder, divided into splits.

    Args:
      path: folder with the files.
      splits: split -> number of hash buckets; a row's bucket never changes.
    """
    split_config = example_gen_pb2.SplitConfig(
        splits=[
            example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=buckets)
            for name, buckets in splits.items()
        ]
    )
    return ExampleGen(
        input_base=path,
        output_config=example_gen_pb2.Output(split_config=split_config),
    ).with_id("ExampleGen")


def content_fingerprint(files: Iterable[str]) -> str:
    """`files:N,bytes:N,sha256:HEX` of the files, by name and content."""
    total, count, size = hashlib.sha256(), 0, 0
    for file in files:
        digest = hashlib.sha256()
        with fileio.open(file, "rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
                size += len(chunk)
        total.update(f"{os.path.basename(file)}\0{digest.hexdigest()}\n".encode())
        count += 1
    return f"files:{count},bytes:{size},sha256:{total.hexdigest()}"
