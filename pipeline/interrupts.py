"""Ctrl-C, SIGTERM and SIGHUP end a run, whatever library they fall into."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

# Long enough for TFX to write down the failed execution before it is asked again.
REPEAT_S = 5.0


class Interrupts:
    """Decides when SIGINT, SIGTERM and SIGHUP may strike: only inside `allowed`.

    An interrupt that comes earlier waits for `allowed`; one that comes later, while the
    end of the run is being written down, is dropped. A SIGHUP that was ignored at the
    start, as nohup has it, stays so.
    """

    def __init__(self, repeat_s: float = REPEAT_S) -> None:
        self._repeat_s = repeat_s
        self._received = False
        self._main = threading.get_ident()
        self._closed = threading.Event()
        self._closed.set()
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            self._previous[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def allowed(self) -> Iterator[None]:
        """Makes sure that an interrupt leaves the block as KeyboardInterrupt.

        Libraries have bare `except:` clauses (TensorFlow's `DType.max` is one) that
        swallow an interrupt or make another error of it. So it is raised again every
        `repeat_s` seconds until the block is left, and any error after it counts as it.
        """
        if self._received:
            raise KeyboardInterrupt
        self._closed.clear()
        try:
            yield
        except BaseException as error:
            self._closed.set()
            if self._received and not isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            raise
        finally:
            self._closed.set()

    def _interrupt(self, *_: object) -> None:
        first, self._received = not self._received, True
        if self._closed.is_set():
            return
        if first:
            threading.Thread(target=self._insist, daemon=True).start()
        raise KeyboardInterrupt

    def _insist(self) -> None:
        while not self._closed.wait(self._repeat_s):
            # A real signal, since that wakes the main thread from a blocking call.
            signal.pthread_kill(self._main, signal.SIGINT)
