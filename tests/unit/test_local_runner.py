"""The command line: what it answers before anything heavy is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.config import config as config_lib

HEAVY = ("tfx", "tensorflow", "tensorflow_transform", "keras", "apache_beam")


@pytest.fixture
def runner(repository, tmp_path):
    """Runs local_runner.py; returns the process and the heavy modules it loaded."""

    def run(*arguments: str):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "local_runner.py", *arguments],
            capture_output=True,
            text=True,
            cwd=repository,
        )
        lines = done.stderr.splitlines()
        timed = [line for line in lines if line.startswith("import time:")]
        loaded = {line.rpartition("|")[2].strip() for line in timed}
        done.stderr = "\n".join(line for line in lines if line not in timed)
        return done, loaded & set(HEAVY)

    return run


def test_help_is_instant_and_names_the_exit_codes(runner):
    done, loaded = runner("--help")

    assert (done.returncode, loaded) == (0, set())
    for words in ("0 ok", "2 usage", "3 data refused", "4 model not blessed"):
        assert words in " ".join(done.stdout.split())


def test_a_configuration_error_is_one_message_with_exit_2_and_nothing_loaded(runner):
    done, loaded = runner("run", "--set", "training.modle=dnn")

    assert (done.returncode, done.stdout, loaded) == (2, "", set())
    assert done.stderr == (
        "error: the configuration is not valid:\n"
        "  training.modle (--set): unknown key. Did you mean 'model'?"
    )


def test_a_missing_data_folder_is_refused_before_anything_is_loaded(runner, tmp_path):
    done, loaded = runner(
        *("run", "--set", f"data.path={tmp_path}/gone"),
        *("--set", f"output_root={tmp_path}/output"),
    )

    assert (done.returncode, done.stdout, loaded) == (2, "", set())
    assert done.stderr == f"error: data.path: there is no folder {tmp_path}/gone"
    assert not (tmp_path / "output").exists()


def test_a_node_that_does_not_exist_is_refused_with_the_known_ones(runner):
    done, loaded = runner("run", "--only", "Training")

    assert (done.returncode, loaded) == (2, set())
    assert done.stderr == (
        "error: 'Training' is not a node here. Known: ExampleGen, StatisticsGen, "
        "SchemaValidator, Transform, Trainer, BaselineResolver, Evaluator, Pusher, "
        "Notifier"
    )


def test_an_option_that_does_not_exist_ends_with_exit_2(runner):
    done, _ = runner("run", "--smaple", "3")

    assert done.returncode == 2
    assert "--smaple" in done.stderr


def test_config_show_prints_every_value_and_its_origin(runner, repository):
    done, loaded = runner(
        *("config", "show", "--origin", "--set", "training.batch_size=8")
    )

    lines = done.stdout.splitlines()
    assert (done.returncode, loaded) == (0, set())
    assert "training.batch_size: 8  # --set" in lines
    assert "training.max_epochs: 20  # default" in lines
    assert (
        f'pipeline_name: "chicago-taxi"  # {repository}/configs/taxi/taxi.yaml' in lines
    )


def test_config_validate_counts_the_data_files_and_starts_nothing(runner, tmp_path):
    config = config_lib.load().config
    columns = dict.fromkeys([*config.features.required, "trip_start_hour"])
    (tmp_path / "a.csv").write_text(f"{','.join(columns)}\n{',' * len(columns)}\n")

    done, loaded = runner(
        *("config", "validate", "--set", f"data.path={tmp_path}"),
        *("--set", f"output_root={tmp_path}/output"),
    )

    assert (done.returncode, loaded) == (0, set()), done.stderr
    assert done.stdout.startswith("ok: 1 data file(s), configuration ")
    assert not (tmp_path / "output").exists()


def test_the_list_of_runs_shows_a_cut_off_run(runner, tmp_path):
    (tmp_path / "runs" / "20260102-000000-bbbb").mkdir(parents=True)

    done, loaded = runner("runs", "--set", f"output_root={tmp_path}")

    assert (done.returncode, loaded) == (0, set())
    assert "20260102-000000-bbbb" in done.stdout
    assert "UNKNOWN" in done.stdout


def test_there_is_nothing_to_resume_without_a_run(runner, tmp_path):
    done, _ = runner("resume", "--set", f"output_root={tmp_path}")

    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no run ")
