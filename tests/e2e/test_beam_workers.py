"""A cluster's runner does the same work: Beam's job service, and a pool of workers.

Both are Beam's own, in processes of their own, and are reached as Flink's would be.
"""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_transform as tft
from tfx.components.transform import executor as tfx_transform
from tfx.types import standard_artifacts

from pipeline import beam
from pipeline import config as config_lib
from pipeline import pipeline as pipeline_lib
from pipeline.components import ingestion, statistics
from pipeline.ingestion import records

ROOT = Path(__file__).resolve().parents[2]
PENGUINS = ROOT / "configs/penguins/penguins.yaml"


class Cluster:
    """Where the two processes listen, and what the pool says."""

    def __init__(self, jobs: int, pool: int, log: Path) -> None:
        self.sets = (
            "beam.runner=flink",
            f"beam.flink.job_endpoint=localhost:{jobs}",
            f"beam.flink.worker_pool=localhost:{pool}",
        )
        self._log = log

    @property
    def workers_started(self) -> int:
        return self._log.read_text().count("Starting worker with command")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def listening(module: str, option: str, log: Path):
    """The module's server, in a process group of its own; yields its port."""
    port = free_port()
    python = Path(sys.executable).parent
    environment = {
        **os.environ,
        # The pool starts its workers with the `python` that it finds.
        "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TF_USE_LEGACY_KERAS": "0",
    }
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", module, f"{option}={port}"],
            stdout=out,
            stderr=out,
            env=environment,
            start_new_session=True,
        )
    try:
        channel = grpc.insecure_channel(f"localhost:{port}")
        grpc.channel_ready_future(channel).result(timeout=120)
        channel.close()
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    runners = "apache_beam.runners"
    jobs = (f"{runners}.portability.local_job_service_main", "--port")
    pool = (f"{runners}.worker.worker_pool_main", "--service_port")
    log = folder / "pool.log"
    with (
        listening(*jobs, folder / "jobs.log") as jobs_port,
        listening(*pool, log) as pool_port,
    ):
        yield Cluster(jobs_port, pool_port, log)


class Executed:
    """The first nodes of the penguins, each by its executor, as the runners do it."""

    def __init__(self, folder: Path, *sets: str) -> None:
        sets = (*sets, f"output_root={folder}")
        self.config = config_lib.load([PENGUINS], sets).config
        nodes = pipeline_lib.create_pipeline(self.config).components
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
        context = kind.Context(beam_pipeline_args=beam.arguments(self.config))
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


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    made = Executed(tmp_path_factory.mktemp("here"))
    made.ingest()
    made.measure()
    made.transform()
    return made


@pytest.fixture(scope="module")
def there(tmp_path_factory, cluster):
    """The same by workers; how many each node asked for."""
    made = Executed(tmp_path_factory.mktemp("there"), *cluster.sets)
    made.workers = {}
    for node in (made.ingest, made.measure, made.transform):
        before = cluster.workers_started
        node()
        made.workers[node.__name__] = cluster.workers_started - before
    return made


def test_every_node_leaves_its_work_to_the_pool(there):
    assert set(there.workers) == {"ingest", "measure", "transform"}
    assert min(there.workers.values()) >= 1


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_workers_write_the_rows_that_one_process_writes(here, there, split):
    rows = there.rows(split)

    assert rows
    assert rows == here.rows(split)


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_workers_measure_what_one_process_measures(here, there, split):
    assert there.statistics_of(split) == here.statistics_of(split)


def test_workers_learn_the_transform_graph_that_one_process_learns(here, there):
    assert there.vocabularies() == here.vocabularies()
    assert list(there.vocabularies()) != []
    ours, theirs = here.transformed(), there.transformed()
    assert set(theirs) == set(ours)
    for name, values in theirs.items():
        assert values == pytest.approx(ours[name], rel=1e-5), name
