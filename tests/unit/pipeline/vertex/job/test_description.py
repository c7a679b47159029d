"""What a person reads of a compiled job is true, and is there as a whole."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from pipeline.config import config as config_lib
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job import description, machines
from pipeline.vertex.job.job import Job

KEY = "projects/p/locations/europe-west4/keyRings/ring/cryptoKeys/millrace"
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def job() -> Job:
    overrides = (
        "data.pattern={SPAN}/*",
        f"vertex.image=europe-docker.pkg.dev/p/millrace/millrace@{DIGEST}",
        "vertex.service_account=runner@p.iam.gserviceaccount.com",
        "vertex.network=projects/1/global/networks/main",
        "vertex.reserved_ip_ranges=[tasks]",
        f"vertex.encryption_key={KEY}",
        "vertex.failure_policy=fast",
        "vertex.timeout_minutes=30",
        "vertex.resources.Trainer={cpu: 8, memory_gb: 32, timeout_minutes: 90}",
        "vertex.resources.Trainer.accelerator=NVIDIA_TESLA_T4",
        "vertex.retries={Trainer: {count: 2}, ExampleGen: {count: 1}}",
        (
            "vertex.parameters=[training.model, training.train_steps, data.span, "
            "evaluation.thresholds.recall.min]"
        ),
    )
    config = config_lib.load((), overrides, platform="vertex").config
    return vertex.compile_job(config)


def test_a_task_holds_its_machine_for_all_its_starts_at_most(job):
    held = machines.machine_hours(job)

    trainer = held["Trainer"]
    assert (trainer.cpus, trainer.memory_gb) == (8.0, 32.0)
    assert (trainer.accelerator, trainer.accelerators) == ("NVIDIA_TESLA_T4", 1)
    assert (trainer.starts, trainer.hours) == (3, 4.5)
    assert (held["Pusher"].cpus, held["Pusher"].memory_gb) == (4.0, 16.0)
    assert (held["Pusher"].hours, held["Pusher"].is_default) == (0.5, True)


def test_the_driver_of_example_gen_is_a_container_of_its_own(job):
    assert machines.machine_hours(job)["ExampleGen"].hours == 2 * 2 * 0.5


def test_the_exit_handler_costs_too_and_a_resolver_does_not(job):
    held = machines.machine_hours(job)

    assert held["ExitHandler"].hours == 0.5
    assert not any("resolver" in name.lower() for name in held)


def test_every_container_is_told_when_to_end(job):
    executors = job.executors
    for name, executor in executors.items():
        container = executor.get("container", {"args": ["--timeout_s", "1800"]})
        found = container["args"][container["args"].index("--timeout_s") + 1]
        assert found == ("5400" if name == "Trainer_executor" else "1800")


def test_the_header_says_as_whom_and_where(job):
    lines = dict(
        re.split(r"\s{2,}", line, maxsplit=1) for line in description.header(job)
    )

    assert lines["image"].endswith(DIGEST)
    assert lines["service account"] == "runner@p.iam.gserviceaccount.com"
    assert lines["network"] == "projects/1/global/networks/main, ranges tasks"
    assert lines["encryption key"] == KEY
    assert lines["after a failure"] == "starts nothing more"
    assert lines["-p training_model"] == "wide_deep, for Trainer"
    assert lines["-p training_train_steps"] == "none, for Trainer"
    # A bound that the configuration does not state.
    assert lines["-p evaluation_thresholds_recall_min"] == "none, for Evaluator"
    assert lines["-p data_span"].endswith(", for ExampleGen")
    total = sum(machine.hours for machine in machines.machine_hours(job).values())
    assert lines["hours at most"].startswith(f"{total:g}, all machines")


def test_nothing_of_the_table_is_cut_off_at_120_columns(job):
    out = io.StringIO()

    Console(file=out, width=120).print(description.table(job))

    text = out.getvalue()
    assert "…" not in text
    assert "8 CPU, 32 GB, 1 x NVIDIA_TESLA_T4" in text
    assert "BaselineResolver-model-blessing-resolver" in text
    assert "ExitHandler" in text
    assert all(len(line) <= 120 for line in text.splitlines())
