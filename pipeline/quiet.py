"""TensorFlow, Beam and TFX greet whoever imports them; a command has its own words."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def imports() -> Iterator[None]:
    """Keeps back what is said on stderr meanwhile; what fails says all of it.

    Descriptors, not sys.stderr: TensorFlow's C++ writes there before it reads
    TF_CPP_MIN_LOG_LEVEL (tensorflow#100442).
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            _give_back(terminal)
            said.seek(0)
            os.write(2, said.read())
            raise
        _give_back(terminal)


def _give_back(terminal: int) -> None:
    sys.stderr.flush()
    os.dup2(terminal, 2)
    os.close(terminal)
