"""TFT's graph of nodes as steps that wait for the data.

Beam makes a pipeline of the same nodes (tensorflow_transform/beam/impl.py and
analyzer_impls.py say what each means). Here each becomes a value that is computed when
it is asked for, once: an analyzer that is not known is told before data are read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform import analyzer_nodes, analyzers, nodes
from tensorflow_transform.beam import beam_nodes

from pipeline.analysis import kernels, vocabularies
from pipeline.analysis.kernels import Batch, Kernel

Shards = Callable[[], Iterable[Iterable[Any]]]
"""The data from their beginning, each time: shards of batches of TFT's inputs."""

Replacements = dict[str, tf.Tensor]
"""Name of a placeholder -> what the analysis found for it."""

Outputs = dict[str, str]
"""Key -> name of a tensor that an analyzer asks for."""

Apply = Callable[[Replacements, Outputs], Callable[[Any], Batch]]
"""What is known, and what is asked -> the function of a batch's inputs."""

_EXACT = (
    analyzers.WeightedMeanAndVarCombiner,
    analyzers.NumPyCombiner,
    analyzers.QuantilesCombiner,
)
"""Classes, and not their heirs: L-moments go through the same nodes, and Beam merges
their accumulators in a way of its own."""


class UnknownAnalyzerError(Exception):
    """An analyzer that only Beam can run."""


class Later:
    """A value that is computed when it is asked for, once."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self._compute = compute

    @functools.cached_property
    def value(self) -> Any:
        """It, computed now if it was not before."""
        return self._compute()


class Pass:
    """One reading of the data, for all analyzers that wait for it."""

    def __init__(self, function: Later, shards: Shards) -> None:
        self._function, self._shards = function, shards
        self._kernels: list[Kernel] = []

    def accumulated(self, kernel: Kernel) -> Later:
        """The kernel's accumulator of all the data."""
        place = len(self._kernels)
        self._kernels.append(kernel)
        return Later(lambda: self._results[place])

    @functools.cached_property
    def _results(self) -> list[Any]:
        apply = self._function.value
        of_shards = [self._of_shard(apply, shard) for shard in self._shards()]
        return [
            kernel.merge([shard[place] for shard in of_shards])
            for place, kernel in enumerate(self._kernels)
        ]

    def _of_shard(
        self, apply: Callable[[Any], Batch], shard: Iterable[Any]
    ) -> list[Any]:
        accumulators = [kernel.create() for kernel in self._kernels]
        for inputs in shard:
            batch = apply(inputs)
            for place, kernel in enumerate(self._kernels):
                accumulators[place] = kernel.add(accumulators[place], batch)
        return accumulators


class Visitor(nodes.Visitor):
    """Gives each of TFT's nodes its value; the last one's is the replacements."""

    def __init__(self, shards: Shards, apply: Apply) -> None:
        self._shards, self._apply = shards, apply

    def validate_value(self, value: object) -> None:
        """Anything is one."""

    def visit(self, operation_def: Any, input_values: Sequence[Any]) -> tuple[Any, ...]:
        """What the node puts out.

        Raises:
          UnknownAnalyzerError: it is not one that gives the same as on Beam.
        """
        visit = _VISITS.get(type(operation_def))
        if visit is None:
            raise UnknownAnalyzerError(type(operation_def).__name__)
        return visit(self, operation_def, *input_values)

    def _data(self, node: Any) -> tuple[Shards]:
        if not node.dataset_key.is_flattened_dataset_key():
            raise UnknownAnalyzerError("a part of the data")
        return (self._shards,)

    def _model(self, node: Any, *bindings: Later) -> tuple[Later]:
        found = Later(lambda: dict(each.value for each in bindings))
        outputs = node.output_signature
        if node.label == "CreateSavedModel":  # the last one: graph.py saves it
            return (found,)
        names = {key: tensor.name for key, tensor in outputs.items()}
        return (Later(lambda: self._apply(found.value, names)),)

    def _applied(self, node: Any, function: Later, shards: Shards) -> tuple[Pass]:
        return (Pass(function, shards),)

    def _binding(self, node: Any, value: Later) -> tuple[Later]:
        dtype = tf.dtypes.as_dtype(node.dtype_enum)
        return (Later(lambda: (node.tensor_name, tf.constant(value.value, dtype))),)


def _extracted(visitor: Visitor, node: Any, source: Any) -> tuple[Any]:
    if isinstance(source, Pass):
        keys = node.keys if isinstance(node.keys, tuple) else (node.keys,)
        return ((source, keys),)
    return (source[node.keys],)


def _combined(visitor: Visitor, node: Any, source: Any) -> tuple[Later]:
    data, keys = source
    return (data.accumulated(kernels.Combined(_exact(node.combiner), keys)),)


def _packed(visitor: Visitor, node: Any, data: Pass) -> tuple[dict[str, Later]]:
    return (
        {
            each.label: data.accumulated(
                kernels.Combined(_exact(each.combiner), each.keys)
            )
            for each in node.combiners
        },
    )


def _finished(visitor: Visitor, node: Any, accumulator: Later) -> tuple[Later]:
    combiner = _exact(node.combiner)
    return (Later(lambda: combiner.extract_output(accumulator.value)),)


def _packed_finished(
    visitor: Visitor, node: Any, accumulators: Mapping[str, Later]
) -> tuple[dict[str, Later]]:
    finished = {}
    for each in node.combiners:
        combiner, [key] = _exact(each.combiner), each.keys
        finished[each.label] = Later(
            functools.partial(_output, combiner, accumulators[key])
        )
    return (finished,)


def _output(combiner: Any, accumulator: Later) -> Any:
    return combiner.extract_output(accumulator.value)


def _apart(visitor: Visitor, node: Any, outputs: Later) -> tuple[Later, ...]:
    return tuple(
        Later(functools.partial(_element, outputs, place))
        for place in range(node.num_outputs)
    )


def _element(outputs: Later, place: int) -> Any:
    return outputs.value[place]


def _keyed(visitor: Visitor, node: Any, value: Later) -> tuple[dict[str, Later]]:
    return ({node.key: value},)


def _together(visitor: Visitor, node: Any, *parts: Any) -> tuple[dict[str, Later]]:
    if not all(isinstance(part, dict) for part in parts):
        raise UnknownAnalyzerError("Flatten of other values than named accumulators")
    return ({key: value for part in parts for key, value in part.items()},)


def _counted(visitor: Visitor, node: Any, source: Any) -> tuple[Later]:
    _require(node.vocab_ordering_type == _FREQUENCY, node)
    data, keys = source
    _require(len(keys) == 1, node)
    return (data.accumulated(kernels.Counted(keys[0])),)


def _merged(visitor: Visitor, node: Any, counts: Later) -> tuple[Later]:
    _require(node.vocab_ordering_type == _FREQUENCY, node)
    return (counts,)


def _pruned(visitor: Visitor, node: Any, counts: Later) -> tuple[Later]:
    _require(node.key_fn is None, node)
    _require(node.informativeness_threshold == float("-inf"), node)
    top_k, at_least = node.top_k, node.frequency_threshold or 0
    _require((top_k or 0) >= 0 and at_least >= 0, node)
    return (
        Later(
            lambda: vocabularies.pruned(counts.value, top_k, at_least, node.input_dtype)
        ),
    )


def _size(visitor: Visitor, node: Any, words: Later) -> tuple[Later]:
    return (Later(lambda: np.int64(max(len(words.value), 1))),)


def _file(visitor: Visitor, node: Any, words: Later, *reserved: Any) -> tuple[Later]:
    _require(not reserved and not node.fingerprint_shuffle, node)
    _require(node.file_format == "text", node)
    return (
        Later(
            lambda: vocabularies.written(
                words.value, node.vocab_filename, node.input_dtype, node.store_frequency
            )
        ),
    )


def _exact(combiner: Any) -> Any:
    if type(combiner) not in _EXACT:
        raise UnknownAnalyzerError(type(combiner).__name__)
    weighted = ("_compute_weighted", "_has_weights")
    if any(getattr(combiner, name, False) for name in weighted):
        raise UnknownAnalyzerError(f"{type(combiner).__name__} with weights")
    return combiner


def _require(known: bool, node: Any) -> None:
    if not known:
        raise UnknownAnalyzerError(type(node).__name__)


_FREQUENCY = analyzers._VocabOrderingType.FREQUENCY

_VISITS: dict[type, Callable[..., tuple[Any, ...]]] = {
    beam_nodes.ExtractInputForSavedModel: Visitor._data,
    beam_nodes.CreateSavedModel: Visitor._model,
    beam_nodes.ApplySavedModel: Visitor._applied,
    beam_nodes.CreateTensorBinding: Visitor._binding,
    beam_nodes.ExtractFromDict: _extracted,
    beam_nodes.Flatten: _together,
    analyzer_nodes.AddKey: _keyed,
    analyzer_nodes.CacheableCombineAccumulate: _combined,
    analyzer_nodes.CacheableCombineMerge: _finished,
    analyzer_nodes.ExtractCombineMergeOutputs: _apart,
    analyzer_nodes.PackedCombineAccumulate: _packed,
    analyzer_nodes.PackedCombineMerge: _packed_finished,
    analyzer_nodes.ExtractPackedCombineMergeOutputs: _apart,
    analyzer_nodes.VocabularyAccumulate: _counted,
    analyzer_nodes.VocabularyMerge: _merged,
    analyzer_nodes.VocabularyPrune: _pruned,
    analyzer_nodes.VocabularyCount: _size,
    analyzer_nodes.VocabularyOrderAndWrite: _file,
}
