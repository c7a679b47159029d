"""What each process of a rehearsal's container imports when it starts.

TensorFlow and TFX know file:// addresses, which stand for a bucket's. So that Beam
does, too, its file system of that name is imported as soon as Beam is.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_BEAM = "apache_beam.io.filesystems"
_OURS = "pipeline.vertex.rehearsal.beam_files"


class _AfterBeam(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != _BEAM:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec, "it is imported: some other finder knows it"
        assert spec.loader
        load = spec.loader.exec_module

        def load_then_ours(module: ModuleType) -> None:
            load(module)
            importlib.import_module(_OURS)

        spec.loader.exec_module = load_then_ours  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _AfterBeam())
