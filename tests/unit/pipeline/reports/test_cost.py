"""Hours times a price table."""

from __future__ import annotations

import pytest

from pipeline.config.vertex import Prices, VertexConfig
from pipeline.reports import cost

PRICES = Prices(
    cpu_hour=0.04,
    memory_gb_hour=0.005,
    accelerator_hour={"NVIDIA_TESLA_T4": 0.4},
    run=0.03,
)


def vertex(**fields):
    place = {"project": "p", "region": "europe-west4", "image": "i"}
    return VertexConfig(**place, **{"prices": PRICES, **fields})


def test_a_task_costs_its_machine_for_its_time():
    trainer = {"cpu": 8, "memory_gb": 32, "accelerator": "NVIDIA_TESLA_T4"}
    trainer["accelerator_count"] = 2
    settings = vertex(resources={"Trainer": trainer})

    tasks, total = cost.of_run({"Trainer": 1800, "Pusher": 360}, settings)

    assert tasks["Trainer"].amount == pytest.approx((8 * 0.04 + 32 * 0.005 + 0.8) / 2)
    assert tasks["Pusher"].amount == pytest.approx((4 * 0.04 + 16 * 0.005) / 10)
    assert total.hours == pytest.approx(0.6)
    parts = sum(task.amount for task in tasks.values())
    assert total.amount == pytest.approx(parts + 0.03)


def test_what_came_from_the_cache_costs_nothing():
    tasks, total = cost.of_run({"Transform": 0}, vertex())

    assert tasks["Transform"].amount == 0
    assert total.amount == pytest.approx(0.03)


def test_an_accelerator_without_a_price_is_named():
    settings = vertex(resources={"Trainer": {"accelerator": "NVIDIA_L4"}})

    with pytest.raises(ValueError, match="no NVIDIA_L4; it has NVIDIA_TESLA_T4"):
        cost.of_run({"Trainer": 60}, settings)


def test_without_a_price_table_there_is_no_amount():
    with pytest.raises(ValueError, match=r"vertex\.prices"):
        cost.of_run({"Trainer": 60}, vertex(prices=None))
