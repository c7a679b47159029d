"""The `beam` section: what is refused before anything starts, and in which words."""

from __future__ import annotations

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import ConfigError

DATAFLOW = ("beam.runner=dataflow",)
BUCKET = "output_root=gs://bucket/root"


def refusal(*sets: str, platform: str = "local") -> str:
    with pytest.raises(ConfigError) as refused:
        config_lib.load((), sets, platform=platform)
    return str(refused.value)


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (["beam.runner=prism"], "beam.runner (--set): Input should be 'direct', "),
        (["beam.worker=2"], "beam.worker (--set): unknown key. Did you mean 'workers'"),
        (["beam.workers=0"], "beam.workers (--set): Input should be greater than or"),
        (["beam.workers=2"], "runner direct is one process, and workers is 2; multi_"),
        (
            ["beam.runner=flink"],
            "runner flink needs beam.flink.job_endpoint or beam.flink.master",
        ),
        (
            ["beam.runner=flink", "beam.flink.job_endpoint=h:1"],
            "runner flink needs beam.flink.worker_pool (HOST:PORT) or beam.flink.image",
        ),
        (
            ["beam.flink={job_endpoint: 'h:1', master: 'm:2'}"],
            "beam.flink (--set): give either job_endpoint or master",
        ),
        (["beam.spark={worker_pool: 'h:1'}"], "give either job_endpoint or master"),
        (
            ["beam.spark={master: m, worker_pool: 'h:1', image: i}"],
            "beam.spark (--set): give either worker_pool or image, not both",
        ),
        (
            ["beam.flink={job_endpoint: 'http://h:1'}"],
            "beam.flink.job_endpoint (--set): String should match pattern",
        ),
        (
            [
                *("beam.runner=spark", "beam.spark.master=m", "beam.workers=3"),
                "beam.spark.worker_pool=h:1",
            ],
            "workers is not for spark",
        ),
        (
            ["beam.extra_args=[runner=X]"],
            "'runner=X' is not an argument: write --name=",
        ),
        (["beam.extra_args=[--runner=X]"], "'--runner=X': say that with beam.runner"),
        ([*DATAFLOW, BUCKET], "there is none: it is for vertex_runner.py"),
        (["beam.dataflow.temp_location=/tmp"], "beam.dataflow.temp_location (--set): "),
    ],
)
def test_what_cannot_be_is_a_configuration_error(sets, expected):
    assert expected in refusal(*sets)


def test_dataflows_workers_cannot_reach_a_local_folder():
    text = refusal(*DATAFLOW, "output_root=out", platform="vertex")

    assert "beam (--set): runner dataflow needs an output_root that its workers" in text
    assert "it is out. To rehearse here: --set beam.runner=direct." in text


def test_everything_that_is_missing_is_said_at_once():
    text = refusal(*DATAFLOW)

    assert "there is none: it is for vertex_runner.py; " in text
    assert "needs an output_root" in text


def test_the_parts_of_other_runners_may_stay():
    flink = "beam.flink={job_endpoint: 'h:1', worker_pool: 'h:2'}"

    config = config_lib.load((), [flink]).config

    assert config.beam.runner == "direct"
    assert config.beam.cluster is None
