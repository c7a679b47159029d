"""An interrupt ends the run, also when a library swallows it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable

import pytest

from pipeline.interrupts import Interrupts


def _send(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def _run(body: Callable[[], None], repeat_s: float = 5.0) -> None:
    with Interrupts(repeat_s) as interrupts, interrupts.allowed():
        body()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_either_signal_leaves_as_keyboard_interrupt(number):
    with pytest.raises(KeyboardInterrupt):
        _run(lambda: _send(number))


def test_a_hangup_that_was_ignored_at_the_start_is_ignored():
    """As nohup has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        _run(lambda: _send(signal.SIGHUP))

        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupt_that_a_library_turned_into_its_own_error_stays_one():
    """TensorFlow's DType.max: `except:` and then `raise TypeError`."""

    def turn() -> None:
        try:
            _send()
        except:  # noqa: E722
            raise TypeError("Cannot find maximum value") from None

    with pytest.raises(KeyboardInterrupt) as caught:
        _run(turn)

    assert isinstance(caught.value.__cause__, TypeError)


def test_an_error_without_an_interrupt_stays_itself():
    with pytest.raises(ZeroDivisionError):
        _run(lambda: 1 / 0)


@pytest.mark.timeout(20)
def test_a_swallowed_interrupt_comes_again_and_wakes_a_blocking_call():
    def swallow() -> None:
        with contextlib.suppress(BaseException):
            _send()
        threading.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        _run(swallow, repeat_s=0.01)


def test_an_early_interrupt_waits_and_a_late_one_is_dropped():
    entered = False
    with Interrupts() as interrupts:
        with interrupts.allowed():
            entered = True
        _send()  # late
    assert entered

    with Interrupts() as interrupts:
        _send()  # early
        with pytest.raises(KeyboardInterrupt), interrupts.allowed():
            pytest.fail("an early interrupt was lost")


def test_afterwards_the_handlers_are_what_they_were():
    before = [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)]

    with Interrupts():
        assert signal.getsignal(signal.SIGINT) not in before

    assert [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)] == before
