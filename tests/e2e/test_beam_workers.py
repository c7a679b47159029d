"""A cluster's runner does the same work: Beam's job service, and a pool of workers.

Both are Beam's own, in processes of their own, and are reached as Flink's would be.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from tests.e2e import first_nodes


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
        "PYTHONPATH": str(first_nodes.ROOT),
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


@pytest.fixture(scope="module")
def there(tmp_path_factory, cluster):
    """The same by workers; how many each node asked for."""
    made = first_nodes.FirstNodes(tmp_path_factory.mktemp("there"), *cluster.sets)
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
def test_workers_write_the_rows_that_one_process_writes(in_this_process, there, split):
    rows = there.rows(split)

    assert rows
    assert rows == in_this_process.rows(split)


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_workers_measure_what_one_process_measures(in_this_process, there, split):
    assert there.statistics_of(split) == in_this_process.statistics_of(split)


def test_workers_learn_the_transform_graph_that_one_process_learns(
    in_this_process, there
):
    assert there.vocabularies() == in_this_process.vocabularies()
    assert list(there.vocabularies()) != []
    ours, theirs = in_this_process.transformed(), there.transformed()
    assert set(theirs) == set(ours)
    for name, values in theirs.items():
        assert values == pytest.approx(ours[name], rel=1e-5), name
