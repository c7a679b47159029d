"""What no machine of Vertex has is refused when the configuration is read."""

from __future__ import annotations

import pytest
from google.cloud import aiplatform_v1

from pipeline.config import machines
from pipeline.config.vertex import Resources


def test_every_accelerator_of_the_installed_client_is_known_here():
    """Known without importing the client, which takes two seconds."""
    enum = {each.name for each in aiplatform_v1.AcceleratorType}
    ours = {*machines.ACCELERATORS, *machines.RETIRED, *machines.NOT_OURS}

    assert ours == enum - {"ACCELERATOR_TYPE_UNSPECIFIED"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"cpu": 96, "memory_gb": 624},
        {"cpu": 4, "accelerator": "NVIDIA_TESLA_T4"},
        {"cpu": 96, "accelerator": "NVIDIA_TESLA_T4", "accelerator_count": 4},
        {"accelerator": "NVIDIA_H100_80GB", "accelerator_count": 8},
    ],
)
def test_a_machine_that_there_is_is_taken(fields):
    Resources(**fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cpu": 97}, "cpu: 97; a task has at most 96"),
        ({"memory_gb": 700}, "memory_gb: 700; a task has at most 624"),
        (
            {"accelerator": "NVIDIA_T4"},
            "Vertex has no 'NVIDIA_T4'. Did you mean 'NVIDIA_TESLA_T4'? Known: NVIDIA",
        ),
        ({"accelerator": "nvidia_l4"}, "Did you mean 'NVIDIA_L4'?"),
        ({"accelerator": "NVIDIA_TESLA_K80"}, "NVIDIA_TESLA_K80 is out of service"),
        ({"accelerator": "TPU_V3"}, "no task of Millrace runs on a TPU"),
        (
            {"accelerator": "NVIDIA_TESLA_T4", "accelerator_count": 3},
            "accelerator_count: 3 of NVIDIA_TESLA_T4; a machine has 1, 2, 4",
        ),
        (
            {"accelerator": "NVIDIA_TESLA_V100", "cpu": 16},
            "cpu: 16; a machine with 1 NVIDIA_TESLA_V100 has at most 12",
        ),
        (
            {"accelerator": "NVIDIA_L4", "memory_gb": 200},
            "memory_gb: 200; a machine with 1 NVIDIA_L4 has at most 128",
        ),
    ],
)
def test_a_machine_that_there_is_not_is_refused_with_what_there_is(fields, words):
    with pytest.raises(ValueError, match=r"validation error") as refused:
        Resources(**fields)

    assert words in str(refused.value)


def test_all_that_is_too_much_is_told_at_once():
    found = list(machines.problems(100, 700, None, 1))

    assert [problem.split(":")[0] for problem in found] == ["cpu", "memory_gb"]
