"""Which addresses the configuration takes; never one with a password in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline.config import config as config_lib
from pipeline.config import metadata as metadata_config
from pipeline.errors import ConfigError

GOOD = "mysql://ada@db.example:3307/trips?password=env:DB_PASSWORD"


def loaded(store: str) -> config_lib.Config:
    return config_lib.load((), [f"metadata.store={store}"], platform="local").config


def test_without_it_runs_are_recorded_in_the_output_root():
    config = config_lib.load((), ["output_root=/data/out"], platform="local").config

    assert config.store == "/data/out/metadata.sqlite"


def test_the_parts_of_an_address():
    address = metadata_config.address(loaded(GOOD).store)

    assert str(address) == "mysql://ada@db.example:3307/trips"
    assert (address.user, address.host, address.port) == ("ada", "db.example", 3307)
    assert (address.database, address.password) == ("trips", "env:DB_PASSWORD")


@pytest.mark.parametrize(("scheme", "port"), [("mysql", 3306), ("postgresql", 5432)])
def test_the_port_has_the_servers_default(scheme, port):
    assert metadata_config.address(f"{scheme}://ada@db/trips").port == port


def test_what_is_special_in_an_address_is_quoted():
    address = metadata_config.address("mysql://ada%40home@db/my%20trips")

    assert (address.user, address.database) == ("ada@home", "my trips")
    assert str(address) == "mysql://ada%40home@db:3306/my%20trips"


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ("mysql://ada:s3cret-word@db/trips", "a password does not belong"),
        (
            "mysql://ada@db/trips?password=s3cret-word",
            "what follows ?password= must be",
        ),
        ("mysql://ada@db/trips?pasword=env:X", "expected mysql://USER@HOST"),
        ("mysql://ada@db", "expected mysql://USER@HOST:PORT/DATABASE"),
        ("mysql://ada@db:s3cret-word/trips", "the port is not a number"),
        ("mysql://ada@db/trips/more", "expected mysql://USER@HOST"),
        ("oracle://ada@db/trips", "expected mysql://USER@HOST"),
        ("metadata.sqlite", "expected mysql://USER@HOST"),
    ],
)
def test_another_address_is_refused_and_not_repeated(store, words):
    with pytest.raises(ConfigError) as error:
        loaded(store)

    assert f"metadata.store (--set): {words}" in str(error.value)
    assert "s3cret-word" not in str(error.value)


@pytest.mark.parametrize(
    ("store", "code", "words"),
    [
        ("mysql://ada@127.0.0.1:9/x", 75, "127.0.0.1:9/x: cannot be reached"),
        ("mysql://ada@127.0.0.1:9/x?password=env:NOWHERE", 2, "env:NOWHERE is not set"),
    ],
)
def test_a_run_says_at_once_that_its_store_is_away_or_wrongly_set(
    tmp_path, store, code, words
):
    done = subprocess.run(
        [
            *(sys.executable, "local_runner.py", "run"),
            *("--config", "configs/penguins/penguins.yaml"),
            *("--set", f"output_root={tmp_path}"),
            *("--set", f"metadata.store={store}"),
        ],
        capture_output=True,
        text=True,
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []
