"""What the curated schema demands of a single row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.data.columns import Misfit


class Contract:
    """The bounds of the columns: presence, range, no NaN.

    Names of a vocabulary are free: the model has buckets for those it does not know.
    """

    def __init__(self, schema_file: str) -> None:
        text = Path(schema_file).read_text(encoding="utf-8")
        schema = text_format.Parse(text, schema_pb2.Schema())
        self._features = {feature.name: feature for feature in schema.feature}

    def check(self, name: str, column: pa.Array) -> list[Misfit]:
        """The values that the schema does not allow in that column."""
        feature = self._features.get(name)
        if feature is None:
            return []
        found = []
        if feature.presence.min_fraction == 1.0:
            missing = column.is_null().to_numpy(zero_copy_only=False)
            found += _misfits(name, column, missing, "is missing; the schema needs it")
        domain = feature.WhichOneof("domain_info")
        if domain in ("int_domain", "float_domain"):
            found += _outside(name, column, getattr(feature, domain))
        return found


def _outside(name: str, column: pa.Array, domain: Any) -> list[Misfit]:
    if pa.types.is_binary(column.type):
        return []
    values = column.cast(pa.float64(), safe=False).fill_null(_inside(domain))
    values = values.to_numpy(zero_copy_only=False)
    least = domain.min if domain.HasField("min") else -np.inf
    most = domain.max if domain.HasField("max") else np.inf
    words = f"is not within {least:g} to {most:g}, as the schema has it"
    found = _misfits(name, column, (values < least) | (values > most), words)
    if getattr(domain, "disallow_nan", False):
        found += _misfits(name, column, np.isnan(values), "is not a number")
    return found


def _inside(domain: Any) -> float:
    """A value that the domain allows, for what is missing and may be."""
    return float(domain.min if domain.HasField("min") else domain.max)


def _misfits(name: str, column: pa.Array, bad: Any, reason: str) -> list[Misfit]:
    def shown(index: int) -> str:
        value = column[index].as_py()
        return "" if value is None else str(value)

    places = (int(index) for index in np.flatnonzero(bad))
    return [Misfit(index, name, shown(index), reason) for index in places]
