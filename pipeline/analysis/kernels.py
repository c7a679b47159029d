"""One analyzer over batches and shards: create, add, merge, finish.

A shard is a file of the data. Batches are added to the accumulator of their shard, in
order, and accumulators are merged in the order of the shards: the same data give the
same numbers, to the last bit, wherever the shards were worked on.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

Batch = Mapping[str, np.ndarray]
"""Name of a tensor -> its values of some rows, a numpy array."""


class Kernel(Protocol):
    """What an analyzer does with the data."""

    def create(self) -> Any:
        """An accumulator of nothing."""

    def add(self, accumulator: Any, batch: Batch) -> Any:
        """The accumulator with one batch more."""

    def merge(self, accumulators: Sequence[Any]) -> Any:
        """One accumulator of those of all shards, in their order."""


class Combined:
    """A combiner of TFT over one or more tensors."""

    def __init__(self, combiner: Any, keys: Sequence[str]) -> None:
        self._combiner, self._keys = combiner, tuple(keys)

    def create(self) -> Any:
        """An accumulator of nothing."""
        return self._combiner.create_accumulator()

    def add(self, accumulator: Any, batch: Batch) -> Any:
        """The accumulator with one batch more."""
        with np.errstate(divide="ignore", invalid="ignore"):  # TFT's, of no values
            return self._combiner.add_input(
                accumulator, [batch[key] for key in self._keys]
            )

    def merge(self, accumulators: Sequence[Any]) -> Any:
        """As Beam does: compacted one by one, then merged in order."""
        compacted = [self._combiner.compact(each) for each in accumulators]
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._combiner.merge_accumulators(
                [self._combiner.create_accumulator(), *compacted]
            )


class Counted:
    """How often each value of a tensor occurs."""

    def __init__(self, key: str) -> None:
        self._key = key

    def create(self) -> collections.Counter[Any]:
        """An accumulator of nothing."""
        return collections.Counter()

    def add(
        self, accumulator: collections.Counter[Any], batch: Batch
    ) -> collections.Counter[Any]:
        """The accumulator with one batch more."""
        accumulator.update(np.ravel(batch[self._key]).tolist())
        return accumulator

    def merge(
        self, accumulators: Sequence[collections.Counter[Any]]
    ) -> collections.Counter[Any]:
        """One accumulator of those of all shards."""
        total: collections.Counter[Any] = collections.Counter()
        for each in accumulators:
            total.update(each)
        return total
