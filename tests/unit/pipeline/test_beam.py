"""One process or workers: what the Beam arguments say."""

from __future__ import annotations

import pytest

from pipeline import config as config_lib
from pipeline.beam import in_process


@pytest.mark.parametrize("platform", ["local", "vertex"])
def test_the_defaults_of_both_platforms_are_one_process(platform):
    config = config_lib.load(
        (), ["vertex.project=p"] if platform == "vertex" else (), platform=platform
    ).config

    assert in_process(config.beam_args)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--runner=DataflowRunner"],
        ["--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    ],
)
def test_anything_else_may_be_workers(arguments):
    assert not in_process(arguments)
