"""Every error a user may meet."""

from __future__ import annotations

import inspect

import pytest

from pipeline import errors


@pytest.mark.parametrize("kind", [errors.ConfigError, errors.BusyError])
def test_what_was_asked_wrongly_is_a_usage_error(kind):
    assert issubclass(kind, errors.UsageError)


def test_what_fails_in_a_run_is_no_usage_error():
    for kind in (
        *(errors.DataRefused, errors.DataUnreadable),
        *(errors.PushFailed, errors.NodeFailed),
    ):
        assert not issubclass(kind, errors.UsageError)


def test_every_error_has_the_one_base_and_says_what_it_means():
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    ]

    assert len(kinds) == 13
    for kind in kinds:
        assert issubclass(kind, errors.MillraceError)
        assert kind.__doc__


def test_refused_data_carries_its_evidence():
    error = errors.DataRefused("no", {"train": b"proto"})

    assert (str(error), error.anomalies) == ("no", {"train": b"proto"})


def test_a_failed_node_is_named():
    error = errors.NodeFailed("Trainer", "out of memory")

    assert (str(error), error.node) == ("out of memory", "Trainer")
