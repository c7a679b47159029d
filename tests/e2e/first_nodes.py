"""The nodes that spread their work by Beam, each alone, as the runners start it."""

from __future__ import annotations

import collections
from pathlib import Path

import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_transform as tft
from tfx.components.transform import executor as tfx_transform
from tfx.types import standard_artifacts

from pipeline import beam_arguments, pipeline
from pipeline.components import ingestion, statistics
from pipeline.config import config
from pipeline.data import records

ROOT = Path(__file__).resolve().parents[2]
PENGUINS = ROOT / "configs/penguins/penguins.yaml"


class FirstNodes:
    """ExampleGen, StatisticsGen and Transform of the penguins, by their executors.

    Args:
      folder: of the artifacts.
      *sets: of the configuration, as --set has them.
      platform: 'local' or 'vertex'.
    """

    def __init__(self, folder: Path, *sets: str, platform: str = "local") -> None:
        self.config = config.load([PENGUINS], sets, platform=platform).config
        nodes = pipeline.create_pipeline(self.config, platform).components
        self._nodes = {node.id: node for node in nodes}
        self.folder = folder
        self.examples = self._made(standard_artifacts.Examples)
        self.statistics = self._made(standard_artifacts.ExampleStatistics)
        self.graph = self._made(standard_artifacts.TransformGraph)
        self.schema = self._made(standard_artifacts.Schema)
        Path(self.schema.uri).mkdir()
        text = Path(self.config.data.schema_file).read_text()
        (Path(self.schema.uri) / "schema.pbtxt").write_text(text)

    def ingest(self) -> None:
        properties = ingestion.ContentDriver(None).resolve_exec_properties(
            dict(self._nodes["ExampleGen"].exec_properties), None, None
        )
        self._do(ingestion.Executor, {}, {"examples": [self.examples]}, properties)

    def measure(self) -> None:
        self._do(
            statistics.Executor,
            {"examples": [self.examples]},
            {"statistics": [self.statistics]},
            dict(self._nodes["StatisticsGen"].exec_properties),
        )

    def transform(self) -> None:
        node = self._nodes["Transform"]
        outputs = {key: [] for key in node.outputs}
        outputs["transform_graph"] = [self.graph]
        self._do(
            tfx_transform.Executor,
            {"examples": [self.examples], "schema": [self.schema]},
            outputs,
            dict(node.exec_properties),
        )

    def _made(self, kind: type) -> standard_artifacts.Artifact:
        artifact = kind()
        artifact.uri = str(self.folder / kind.TYPE_NAME)
        return artifact

    def _do(self, kind: type, *arguments) -> None:
        context = kind.Context(beam_pipeline_args=beam_arguments.arguments(self.config))
        kind(context).Do(*arguments)

    def rows(self, split: str) -> collections.Counter:
        uri = f"{self.examples.uri}/Split-{split}"
        return collections.Counter(
            str(row) for batch in records.batches(uri) for row in batch.to_pylist()
        )

    def statistics_of(self, split: str):
        """TFDV's proto with its columns in one order: workers end in any."""
        path = f"{self.statistics.uri}/Split-{split}/FeatureStats.pb"
        [found] = tfdv.load_stats_binary(path).datasets
        features = sorted(found.features, key=lambda feature: feature.path.step[0])
        del found.features[:]
        found.features.extend(features)
        return found

    def vocabularies(self) -> dict[str, bytes]:
        assets = Path(self.graph.uri) / "transform_fn" / "assets"
        return {file.name: file.read_bytes() for file in assets.iterdir()}

    def transformed(self) -> dict[str, list]:
        """All rows of train through the graph."""
        output = tft.TFTransformOutput(self.graph.uri)
        spec = output.raw_feature_spec()
        shards = sorted(Path(self.examples.uri).glob("Split-train/*.gz"))
        rows = [
            row.numpy()
            for row in tf.data.TFRecordDataset(
                [str(shard) for shard in shards], compression_type="GZIP"
            )
        ]
        raw = tf.io.parse_example(rows, spec)
        made = output.transform_features_layer()(raw)
        return {name: values.numpy().tolist() for name, values in made.items()}
