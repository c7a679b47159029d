"""A file of a package has one name on every machine, and is found again."""

from __future__ import annotations

import json
import sysconfig

import pytest

from pipeline import errors
from pipeline.code import packages
from pipeline.config import config as config_lib


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{sysconfig.get_path('purelib')}/tfx/a/b.csv", "package:tfx/a/b.csv"),
        (f"{config_lib.ROOT}/transform/baseline.pb", "package:transform/baseline.pb"),
        (f"{config_lib.ROOT}/output/rows", f"{config_lib.ROOT}/output/rows"),
        ("/data/rows", "/data/rows"),
        ("gs://bucket/transform/rows", "gs://bucket/transform/rows"),
    ],
)
def test_only_what_lies_in_a_package_is_named_by_it(path, name):
    assert packages.reference(path) == name


def found(value: str) -> str:
    given = {"parameterValues": {"input_base": value, "span": 3}}
    values = json.loads(packages.found(json.dumps({"inputs": given})))
    return values["inputs"]["parameterValues"]["input_base"]


def test_the_name_is_looked_up_where_the_task_runs():
    where = f"{config_lib.ROOT}/transform/schema.pbtxt"

    assert found(packages.reference(where)) == where
    assert found("gs://bucket/rows") == "gs://bucket/rows"


def test_a_configuration_means_the_same_in_another_clone():
    config = config_lib.load(
        ["configs/penguins/penguins.yaml"], ["data.path=/data"], platform="vertex"
    ).config

    taxi = packages.portable(config_lib.load(platform="vertex").config)
    penguins = packages.portable(config)

    assert taxi.data.path == "package:tfx/examples/chicago_taxi_pipeline/data/simple"
    assert taxi.data.schema_file == "transform/schema.pbtxt"
    assert taxi.output_root == "gs://your-bucket/millrace"
    assert penguins.data.schema_file == "configs/penguins/schema.pbtxt"
    assert penguins.data.path == "/data"


def test_a_package_that_the_image_has_not_is_named():
    with pytest.raises(errors.ConfigError, match=r"input_base .*no package 'nowhere'"):
        found("package:nowhere/rows")
