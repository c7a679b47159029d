"""Columns of the curated schema's types; what cannot be converted is told apart.

The schema decides, never a guess on the first rows: a column that is whole numbers in
one block and empty in the next keeps its type.
"""

from __future__ import annotations

import dataclasses
import decimal
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

Kind = Literal["INT", "FLOAT", "BYTES"]
"""The types of a tf.Example's feature, by the schema's name for them."""

Kinds = Mapping[str, Kind]
"""Column -> kind. A column that the schema does not know is BYTES."""

ARROW = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.binary()}


def kinds_of(schema: schema_pb2.Schema) -> dict[str, Kind]:
    """Column -> kind, of a schema's columns."""
    kinds: tuple[Kind, ...] = ("INT", "FLOAT", "BYTES")
    names = {schema_pb2.FeatureType.Value(kind): kind for kind in kinds}
    return {f.name: names[f.type] for f in schema.feature if f.type in names}


@dataclasses.dataclass(frozen=True)
class Misfit:
    """A value that is not of its column's type."""

    index: int
    """Row of the batch, from 0."""

    column: str
    value: str
    reason: str


def converted(name: str, values: pa.Array, kind: Kind) -> tuple[pa.Array, list[Misfit]]:
    """The column as `kind`; misfits are null in it.

    Args:
      name: of the column.
      values: text of a CSV, or a column of a Parquet file.
      kind: what the schema says.

    Raises:
      TypeError: no value of this column could ever be of the kind.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), ARROW[kind]), []
    if problem := impossible(name, values.type, kind):
        raise TypeError(problem)
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    try:
        if _is_strange(values, kind):
            return _one_by_one(name, values, kind)
        return _cast(values, kind), []
    except pa.ArrowInvalid:
        return _one_by_one(name, values, kind)


def impossible(name: str, type_: pa.DataType, kind: str) -> str | None:
    """Why no value of such a column could ever be of the kind; None where it can."""
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if pa.types.is_null(type_) or _is_scalar(type_):
        return None
    if pa.types.is_temporal(type_):
        if kind == "BYTES":
            return None
        hint = "; the schema may have it as BYTES"
    else:
        hint = ""
    return f"column '{name}' is {type_}; expected one {kind} a row{hint}"


def _is_scalar(type_: pa.DataType) -> bool:
    return (
        pa.types.is_integer(type_)
        or pa.types.is_floating(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_decimal(type_)
        or _is_text(type_)
    )


def _is_text(type_: pa.DataType) -> bool:
    return (
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
    )


# Arrow takes 0x10 for 16 and nan(3) for NaN; what follows would not, so a value would
# fit or not by what else is in its block.
_STRANGE = {"INT": ("x", "X"), "FLOAT": ("(",), "BYTES": ()}


def _is_strange(values: pa.Array, kind: Kind) -> bool:
    return _is_text(values.type) and any(
        pc.any(pc.match_substring(values, mark)).as_py() for mark in _STRANGE[kind]
    )


def _cast(values: pa.Array, kind: Kind) -> pa.Array:
    if kind == "BYTES" and not _is_text(values.type):
        values = values.cast(pa.string())
    if kind == "FLOAT":
        # By way of float64: a double that float32 can only round is not an error.
        return values.cast(pa.float64()).cast(pa.float32(), safe=False)
    return values.cast(ARROW[kind])


def _one_by_one(
    name: str, values: pa.Array, kind: Kind
) -> tuple[pa.Array, list[Misfit]]:
    """Each distinct value once; the slow path that bad input takes."""
    parse, reason = _PARSERS[kind]
    encoded = values.dictionary_encode()
    found: list[Any] = []
    bad: dict[int, str] = {}
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        try:
            found.append(parse(value))
        except (ValueError, ArithmeticError):
            found.append(None)
            bad[code] = str(value)
    column = pa.array(found, ARROW[kind]).take(encoded.indices)
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(np.isin(codes, list(bad)))
    return column, [
        Misfit(int(index), name, bad[int(codes[index])], reason) for index in places
    ]


def _whole(value: Any) -> int:
    """`8.0` is 8: programs write whole numbers that way where others are missing."""
    exact = decimal.Decimal(_number(value))
    # The range first: 1e999999999 as an int would take all memory.
    if not -(2**63) <= exact < 2**63 or exact != int(exact):
        raise ValueError(value)
    return int(exact)


def _number(value: Any) -> str:
    # Python would take 1_000 for a thousand.
    if "_" in str(value):
        raise ValueError(value)
    return str(value).strip()


_PARSERS: dict[Kind, tuple[Callable[[Any], Any], str]] = {
    "INT": (_whole, "is not a whole number"),
    "FLOAT": (lambda value: float(_number(value)), "is not a number"),
    "BYTES": (lambda value: str(value).encode(), "is not a text"),
}
