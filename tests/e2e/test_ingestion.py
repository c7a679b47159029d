"""ExampleGen beside TFX's own, on every kind of input, and cut off half-way."""

from __future__ import annotations

import collections
import csv
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import tensorflow as tf
from tfx.components.example_gen.csv_example_gen import executor as stock_csv
from tfx.components.statistics_gen import executor as stock_statistics
from tfx.types import standard_artifacts

from pipeline import beam_arguments, pipeline
from pipeline.components import ingestion
from pipeline.config import config as config_lib
from pipeline.data import records
from tests.e2e.conftest import ROOT, run_millrace

PENGUINS = ROOT / "configs/penguins/data/penguins.csv"
AS_PENGUINS = ("--config", "configs/penguins/penguins.yaml")


def examples_in(output: Path) -> list[tuple[str, dict[str, int]]]:
    """(folder, whole numbers recorded) of each live Examples artifact, oldest first."""
    database = sqlite3.connect(output / "metadata.sqlite")
    artifacts = database.execute(
        "select a.id, a.uri from Artifact a join Type t on a.type_id = t.id "
        "where t.name = 'Examples' and a.state = 2 order by a.id"
    ).fetchall()
    return [
        (
            uri,
            dict(
                database.execute(
                    "select name, int_value from ArtifactProperty "
                    "where artifact_id = ? and int_value is not null",
                    (number,),
                ).fetchall()
            ),
        )
        for number, uri in artifacts
    ]


def penguins() -> list[dict[str, str]]:
    with PENGUINS.open(newline="") as file:
        return list(csv.DictReader(file))


def write_penguins(file: Path, rows: list[dict[str, str]]) -> Path:
    """Returns the folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file.parent


def taxi_csv() -> Path:
    package = importlib.util.find_spec("tfx").submodule_search_locations[0]
    return Path(package) / "examples/chicago_taxi_pipeline/data/simple/data.csv"


@pytest.fixture(scope="module")
def beside_stock(tmp_path_factory):
    """The taxi trips as (TFX's artifact, ours), from the same properties."""
    config = config_lib.load().config
    node = next(
        node
        for node in pipeline.create_pipeline(config).components
        if node.id == "ExampleGen"
    )
    properties = ingestion.ContentDriver(None).resolve_exec_properties(
        dict(node.exec_properties), None, None
    )
    folder = tmp_path_factory.mktemp("beside")
    made = []
    for name, executor in (("stock", stock_csv), ("ours", ingestion)):
        artifact = standard_artifacts.Examples()
        artifact.uri = str(folder / name)
        context = executor.Executor.Context(
            beam_pipeline_args=beam_arguments.arguments(config)
        )
        executor.Executor(context).Do({}, {"examples": [artifact]}, properties)
        made.append(artifact)
    return made


def parsed(artifact) -> collections.Counter:
    """Every example of all splits: (feature, its kind, its values), by name."""
    found: collections.Counter = collections.Counter()
    for folder in Path(artifact.uri).glob("Split-*"):
        for rows in records.serialized(str(folder)):
            for row in rows:
                features = tf.train.Example.FromString(row).features.feature
                example = []
                for name, feature in sorted(features.items()):
                    kind = feature.WhichOneof("kind")
                    values = getattr(feature, kind).value if kind else ()
                    example.append((name, kind, tuple(values)))
                found[tuple(example)] += 1
    return found


def test_the_taxi_trips_become_the_examples_that_tfx_makes(beside_stock):
    """Feature by feature: same names, same kinds, same values, and 15,002 of them.

    Meant to differ, and not compared here:
      - which split a row is in: TFX hashes the serialized example, we the values
        (pipeline/data/splitting.py); the shares are the same.
      - the order and number of shards, and of the rows in them: TFX shuffles.
      - where the types are from: TFX guesses from all rows (a FLOAT column that holds
        whole numbers only would be INT), we take the curated schema's. The trips have
        no such column.
    Missing values do not differ: an empty cell is a list of the column's kind without
    values, and the feature is there.
    """
    stock, ours = map(parsed, beside_stock)

    assert sum(ours.values()) == 15002
    kinds = {(name, kind, len(values)) for row in ours for name, kind, values in row}
    assert ("company", "bytes_list", 0) in kinds
    assert ("company", "bytes_list", 1) in kinds
    assert ours == stock


def test_the_stock_statistics_gen_reads_the_examples(beside_stock, tmp_path):
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(tmp_path)
    context = stock_statistics.Executor.Context(
        beam_pipeline_args=beam_arguments.arguments(config_lib.load().config)
    )

    stock_statistics.Executor(context).Do(
        {"examples": [beside_stock[1]]},
        {"statistics": [statistics]},
        {"exclude_splits": "[]"},
    )

    import tensorflow_data_validation as tfdv

    counts = {
        file.parent.name: tfdv.load_stats_binary(str(file)).datasets[0].num_examples
        for file in tmp_path.glob("Split-*/FeatureStats.pb")
    }
    assert set(counts) == {"Split-train", "Split-eval", "Split-test"}
    assert sum(counts.values()) == 15002


def test_the_penguins_as_parquet_need_another_path_and_nothing_else(tmp_path):
    """Pandas makes floats of whole numbers with gaps; the schema knows better."""
    frame = pd.read_csv(PENGUINS)
    folder = tmp_path / "data"
    folder.mkdir()
    for number, part in enumerate((frame[:200], frame[200:])):
        part.to_parquet(folder / f"{number}.parquet", row_group_size=90)

    ran = run_millrace(
        tmp_path / "output",
        *("run", "--to", "SchemaValidator", *AS_PENGUINS),
        *("--set", f"data.path={folder}"),
    )

    assert ran.code == 0, ran.stdout + ran.stderr
    assert frame["body_mass_g"].dtype == "float64"
    rows = {node["id"]: node["rows"] for node in ran.summary["nodes"]}
    assert rows["SchemaValidator"] == len(penguins()) == 344
    [(_, recorded)] = examples_in(ran.output)
    assert recorded["rows_read"] == recorded["rows_written"] == 344


def test_the_newest_version_of_the_newest_span_is_read(tmp_path):
    rows = penguins()
    data = tmp_path / "data"
    for size, (span, version) in enumerate([(9, 1), (10, 1), (10, 2)], start=1):
        write_penguins(data / f"span-{span}/v-{version}/p.csv", rows[: 10 * size])

    ran = run_millrace(
        tmp_path / "output",
        *("run", "--to", "ExampleGen", *AS_PENGUINS, "--set", f"data.path={data}"),
        *("--set", "data.pattern=span-{SPAN}/v-{VERSION}/*"),
    )

    assert ran.code == 0, ran.stdout + ran.stderr
    [(_, recorded)] = examples_in(ran.output)
    assert recorded["rows_read"] == 30
    assert recorded["span"] == 10
    assert recorded["version"] == 2


def test_a_pattern_that_matches_nothing_ends_with_2_and_says_what_is_there(tmp_path):
    data = write_penguins(tmp_path / "data/day-1/p.csv", penguins()).parent

    ran = run_millrace(
        tmp_path / "output",
        *("run", "--to", "ExampleGen", *AS_PENGUINS, "--set", f"data.path={data}"),
        *("--set", "data.pattern=span-{SPAN}/v-{VERSION}/*"),
    )

    assert ran.code == 2
    assert "matches data.pattern 'span-{SPAN}/v-{VERSION}/*'" in ran.stderr
    assert "day-1" in ran.stderr
    assert not (ran.output / "runs").exists()


def heavy_penguin(folder: Path) -> Path:
    rows = penguins()
    rows[299]["body_mass_g"] = "heavy"
    return write_penguins(folder / "data/penguins.csv", rows)


def test_a_value_of_the_wrong_type_refuses_the_data_and_names_the_line(tmp_path):
    data = heavy_penguin(tmp_path)

    ran = run_millrace(
        tmp_path / "output",
        *("run", *AS_PENGUINS, "--set", f"data.path={data}"),
    )

    assert ran.code == 3, ran.stdout + ran.stderr
    assert ran.summary["outcome"] == "DATA_REFUSED"
    assert ran.summary["node"] == "ExampleGen"
    assert ran.states["ExampleGen"] == "failed"
    assert ran.states["StatisticsGen"] == "waiting"
    [reason, *_] = ran.summary["reasons"]
    place = f"{data}/penguins.csv, line 301 (row 300), column 'body_mass_g': 'heavy'"
    assert place in reason
    assert "1 of 344 rows" in reason
    assert "'heavy' is not a whole number" in " ".join(ran.stdout.split())
    assert examples_in(ran.output) == []


def test_a_rejected_row_within_the_share_goes_to_a_file_and_the_run_goes_on(tmp_path):
    data = heavy_penguin(tmp_path)

    ran = run_millrace(
        tmp_path / "output",
        *("run", "--to", "ExampleGen", *AS_PENGUINS, "--set", f"data.path={data}"),
        *("--set", "data.max_reject_share=0.01"),
    )

    assert ran.code == 0, ran.stdout + ran.stderr
    [(folder, recorded)] = examples_in(ran.output)
    assert recorded["rows_read"] == 344
    assert recorded["rows_written"] == 343
    assert recorded["rows_rejected"] == 1
    [line] = Path(folder, "rejects.jsonl").read_text().splitlines()
    assert json.loads(line)["line"] == 301


def test_a_kill_half_way_leaves_no_live_artifact_and_the_next_run_starts_clean(
    tmp_path,
):
    header, *rows = taxi_csv().read_text().splitlines()
    data = tmp_path / "data"
    data.mkdir()
    (data / "data.csv").write_text("\n".join([header, *rows * 20, ""]))
    output = tmp_path / "output"
    command = ("run", "--to", "ExampleGen", "--set", f"data.path={data}")
    process = subprocess.Popen(
        [
            *(sys.executable, "local_runner.py", *command),
            *("--set", f"output_root={output}"),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "120"},
    )
    try:
        deadline = time.monotonic() + 120
        partials: list[Path] = []
        while not partials:
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline, "it never began to write"
            time.sleep(0.01)
            found = output.glob("artifacts/ExampleGen/examples/*/.partial/*.gz")
            partials = [path for path in found if path.stat().st_size]
    finally:
        process.kill()
        process.wait()
    was_half_way = partials[0].exists()
    live_after_kill = examples_in(output)

    ran = run_millrace(output, *command)

    assert was_half_way
    assert live_after_kill == []
    assert ran.code == 0, ran.stdout + ran.stderr
    assert ran.states["ExampleGen"] == "done"
    [(folder, recorded)] = examples_in(output)
    assert recorded["rows_written"] == len(rows) * 20
    assert not Path(folder, ".partial").exists()
    written = sum(
        len(batch)
        for split in Path(folder).glob("Split-*")
        for batch in records.serialized(str(split))
    )
    assert written == len(rows) * 20
    database = sqlite3.connect(output / "metadata.sqlite")
    open_executions = database.execute(
        "select count(*) from Execution where last_known_state in (1, 2)"
    ).fetchone()
    assert open_executions == (0,)
