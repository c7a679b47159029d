"""A loss of power at sampled instants, on blocks: `make power-loss` takes 200 of a run.

Here a small writer stands for the run: the Pusher's own push, the registry's move, the
store's transaction and the run's summary, one model after the other.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pipeline import content
from pipeline.metadata import connections
from pipeline.recorded import Payload
from pipeline.registry import manifest
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import CHAMPION
from tests import block_device

ROOT = Path(__file__).resolve().parents[2]
INSTANTS = int(os.environ.get("POWER_LOSS_INSTANTS", "0"))
SEED = int(os.environ.get("POWER_LOSS_SEED", "0")) or random.randrange(1 << 30)

WRITER = """
import sys
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.metadata import library, payload
from pipeline.runs import folder
from tests.unit.pipeline.components.test_pusher_power import push

root = Path(sys.argv[1])
store = library.opened(str(root / "metadata.sqlite"))
types = mlmd.ArtifactType(name="Model"), mlmd.ExecutionType(name="Trainer")
model, trainer = store.put_artifact_type(types[0]), store.put_execution_type(types[1])
for number in range(10_000):
    run = folder.new_run(str(root))
    uri = root / "artifacts" / "Trainer" / "model" / str(number)
    uri.mkdir(parents=True)
    (uri / "weights").write_text("w" * 9000)
    payload.sync(str(uri))
    execution = mlmd.Execution(type_id=trainer, last_known_state=3)
    event = mlmd.Event(type=mlmd.Event.OUTPUT)
    artifact = mlmd.Artifact(type_id=model, uri=str(uri), state=mlmd.Artifact.LIVE)
    store.put_execution(execution, [(artifact, event)], [])
    version = push(root, str(number))
    run.write_json("summary.json", {"run_id": run.run_id, "pushed": version})
    print(version, flush=True)
"""


@pytest.fixture
def device(tmp_path):
    if why := block_device.missing():
        pytest.skip(f"a loss of power on blocks cannot be made here: {why}")
    return block_device.Device(tmp_path)


def champion(left: Path, name: str) -> str:
    """Who serves; every byte of it is as it was pushed."""
    registry = LocalRegistry(str(left / "serving" / name), name)
    for version in registry.versions():
        assert version.problem == "", version.problem
        if CHAMPION in version.aliases:
            found = registry.version(version.number)
            assert found.problem == "", found.problem
            assert manifest.read(Path(found.uri)) is not None
            return found.number
    return ""


def require_whole(left: Path, mounted: Path) -> None:
    """Whatever can be seen of runs and of what the store has is complete."""
    for file in left.glob("runs/*/*.json"):
        json.loads(file.read_text())
    store = left / "metadata.sqlite"
    try:
        connection = connections.opened(str(store))
    except connections.UsageError as error:
        # Before its first transaction, and while MLMD makes its tables.
        early = ("no metadata store", "is empty", "not a metadata store of MLMD")
        if not any(words in str(error) for words in early):
            raise
        return
    with closing(connection):
        artifacts = connection.ask("select id, uri from Artifact where state = 2")
        recorded = dict(
            connection.ask(
                "select artifact_id, string_value from ArtifactProperty where name = ?",
                Payload.CONTENT,
            )
        )
    with closing(sqlite3.connect(store)) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
    for number, uri in artifacts:
        folder = left / Path(uri).relative_to(mounted)
        assert folder.exists(), uri
        if number in recorded:
            assert content.text(content.of_folder(str(folder))) == recorded[number]
        elif (folder / "weights").exists():
            assert (folder / "weights").stat().st_size == 9000


def sampled(device, process, name: str, instants: int, pause_s: float, told) -> set:
    """The champions that were seen, at that many random instants of the process."""
    chosen, seen = random.Random(SEED), set()
    for _ in range(instants):
        time.sleep(chosen.uniform(0, 2 * pause_s))
        group = process.pid if process.poll() is None else None
        before = told()
        with device.after_power_loss(group) as left:
            serves = champion(left, name)
            require_whole(left, device.place)
        assert int(serves or 0) >= int(before or 0), f"seed {SEED}"
        seen.add(serves)
    return seen


def started(*command: str, log: Path) -> subprocess.Popen:
    with log.open("w") as stream:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )


def acknowledged(log: Path) -> str:
    """The newest version that the process said to be there."""
    lines = log.read_text().rpartition("\n")[0].splitlines()
    numbers = [line for line in lines if line.isdigit()]
    return numbers[-1] if numbers else ""


def test_what_was_acknowledged_is_on_the_blocks_and_complete(device, tmp_path):
    log = tmp_path / "log"

    def told() -> str:
        return acknowledged(log)

    with device.mounted() as root:
        process = started("-c", WRITER, str(root), log=log)
        try:
            while not told():
                assert process.poll() is None, log.read_text()
                time.sleep(0.01)
            seen = sampled(device, process, "taxi", 12, 0.15, told)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    assert len(seen) > 1


RUNS = """
import subprocess, sys
from pipeline.registry.local import LocalRegistry
for seed in range(1, 1000):
    command = [sys.executable, "local_runner.py", "run", *sys.argv[2:]]
    command += ["--set", f"training.seed={seed}"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    assert done.returncode in (0, 4), done.returncode
    registry = LocalRegistry(sys.argv[1] + "/serving/penguins", "penguins")
    print(registry.moves()[0].champion, flush=True)
"""


@pytest.mark.skipif(not INSTANTS, reason="`make power-loss` runs it; minutes")
def test_at_any_instant_of_a_run_the_old_champion_or_the_new_one_serves(
    device, tmp_path, capsys
):
    """Runs with other seeds, one after the other, until all instants were seen."""
    log = tmp_path / "log"
    options = ["--config", "configs/penguins/penguins.yaml"]
    with device.mounted() as root:
        options += ["--set", f"output_root={root}"]
        process = started("-c", RUNS, str(root), *options, log=log)

        def told() -> str:
            assert process.poll() is None, log.read_text()
            return acknowledged(log)

        try:
            seen = sampled(device, process, "penguins", INSTANTS, 1.0, told)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    with capsys.disabled():
        sys.stdout.write(f"{INSTANTS} instants, seed {SEED}: {sorted(seen)}\n")
    assert len(seen) > 1
