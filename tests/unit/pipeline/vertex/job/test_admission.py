"""What a job on Vertex could not reach is refused before it is compiled."""

from __future__ import annotations

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import ConfigError, UsageError
from pipeline.vertex.job import admission


def problems(*overrides: str) -> list[str]:
    config = config_lib.load((), overrides, platform="vertex").config
    return list(admission.path_problems(config))


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("data.path=gs://bucket/rows",),
        ("data.path=package:tfx/examples",),
        ("push.path=gs://bucket/models",),
        ("validation.baseline_statistics=transform/baseline.pb",),
        ("validation.baseline_statistics=gs://bucket/baseline.pb",),
        ("data.query=SELECT 1", "data.path=/nowhere"),
    ],
)
def test_what_is_in_a_bucket_or_in_the_image_is_taken(overrides):
    assert problems(*overrides) == []


@pytest.mark.parametrize(
    ("override", "begin", "mend"),
    [
        (
            "data.path=/home/me/rows",
            "data.path: /home/me/rows is a folder of this machine",
            "gcloud storage cp -r /home/me/rows gs://your-bucket/millrace/data",
        ),
        # The repository's, and not of a package: the image has it elsewhere.
        (
            "data.path=configs/penguins/data",
            f"data.path: {config_lib.ROOT}/configs/penguins/data is a folder of this",
            "set data.path=gs://your-bucket/millrace/data",
        ),
        (
            "output_root=/tmp/out",
            "output_root: /tmp/out",
            "expected gs://BUCKET/FOLDER",
        ),
        ("push.path=/srv/models", "push.path: /srv/models", "or nothing: below"),
        (
            "validation.baseline_statistics=/home/me/b.pb",
            "validation.baseline_statistics: /home/me/b.pb",
            "such as transform/baseline.pb",
        ),
        (
            "data.schema_file=gs://bucket/schema.pbtxt",
            "data.schema_file: gs://bucket/schema.pbtxt",
            "whose text travels in the job",
        ),
    ],
)
def test_what_only_this_machine_has_is_refused_with_what_to_do(override, begin, mend):
    [problem] = problems(override)

    assert problem.startswith(begin)
    assert mend in problem


def test_all_paths_are_told_at_once_and_before_the_parameters():
    overrides = ("data.path=/rows", "push.path=/models")
    config = config_lib.load((), overrides, platform="vertex").config

    with pytest.raises(ConfigError) as refused:
        admission.require(config, {"x": "1"})

    head, *lines = str(refused.value).splitlines()
    assert head == "a job on Vertex cannot reach these:"
    assert [line.split(":")[0].strip() for line in lines] == ["push.path", "data.path"]


def test_a_parameter_that_the_job_will_not_take_is_refused():
    config = config_lib.load((), (), platform="vertex").config

    with pytest.raises(UsageError, match="--parameter x: the job has none"):
        admission.require(config, {"x": "1"})
