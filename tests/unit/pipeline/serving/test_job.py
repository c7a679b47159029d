"""What is asked of `predict` is checked before the model is loaded."""

from __future__ import annotations

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import UsageError
from pipeline.platforms import settings
from pipeline.serving import job


@pytest.fixture
def config(tmp_path):
    for version in ("9", "10", "tmp-11"):
        (tmp_path / "serving" / version).mkdir(parents=True)
    return config_lib.load(overrides=[f"push.path={tmp_path / 'serving'}"]).config


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in.csv").write_text("x\n1\n")
    return tmp_path / "in.csv"


@pytest.mark.parametrize(
    ("source", "target", "version", "words"),
    [
        ("away.csv", "out.csv", "champion", "no such file or folder"),
        ("in.txt", "out.csv", "champion", "ends with none of .csv, .csv.gz, .parquet"),
        ("serving", "out", "champion", "holds no file that ends with"),
        ("in.csv", "in.csv", "champion", "exists; nothing is written over it"),
        ("in.csv", "out.parquet", "champion", "the answers are written as csv"),
        ("in.csv", "away/out.csv", "champion", "no such folder"),
        ("in.csv", "out.csv", "8", "there is no version 8 in .*Known: 10, 9$"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    config, tmp_path, source, target, version, words
):
    for name in ("in.csv", "in.txt"):
        (tmp_path / name).write_text("x\n1\n")

    with pytest.raises(UsageError, match=words):
        job.score(
            config,
            settings.registry_of(config, "local"),
            tmp_path / source,
            tmp_path / target,
            version,
        )


def test_without_a_pushed_model_the_next_step_is_named(tmp_path, source):
    config = config_lib.load(overrides=[f"output_root={tmp_path}"]).config

    with pytest.raises(UsageError, match=r"that is the champion in .*run the pipeline"):
        job.score(
            config,
            settings.registry_of(config, "local"),
            source,
            tmp_path / "out.csv",
            "champion",
        )
