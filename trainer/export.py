"""The SavedModel: the model, the Transform graph, and three signatures."""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_transform.saved import saved_transform_io_v2

from transform import features as features_lib

# Autograph would rewrite the source of TensorFlow Transform's layer and of all that it
# calls, a second for each signature, and there is no Python loop or branch to rewrite.
traced = functools.partial(tf.function, autograph=False)


class Servable(tf.Module):
    """Answers raw rows: Transform's graph and the model, exported as one.

    `serving_default` takes every raw feature column by name, shape (batch,): what
    TensorFlow Serving makes of {"instances": [{column: value}]}, and what Vertex AI's
    containers ask. `transform.missing` says what means missing, besides NaN.

    `serving_examples` takes `examples`, serialized tf.Example of raw rows, shape
    (batch,), which can leave out any column: what evaluation and `predict` ask.

    Both answer `probability`, shape (batch,): a number for each row. Asked with
    serialized rows, `transform_features` gives TFMA the features and the label.
    """

    def __init__(
        self,
        model: keras.Model,
        transformed: tft.TFTransformOutput,
        features: features_lib.Features,
    ) -> None:
        super().__init__(name="servable")
        # Attributes, so that tables and weights are saved. The weights without Keras's
        # wrappers: of a wrapper Keras saves a copy, that copy is what a model server
        # restores, and what the signatures read stays empty (keras#19274). Only
        # tf.saved_model.load finds both.
        self.transform = transformed.transform_features_layer()
        self.weights = [variable.value for variable in model.variables]
        self._model = functools.partial(model, training=False)
        self._label = features.label.name
        self._raw_spec = transformed.raw_feature_spec()
        self._feature_spec = {name: self._raw_spec[name] for name in features.columns}

    def save(self, path: str) -> None:
        """Writes the SavedModel to `path`."""
        with _columns_in_fixed_order():
            tf.saved_model.save(self, path, signatures=self._signatures())
        _name_tables_by_content(path)

    def _signatures(self) -> dict[str, object]:
        examples = tf.TensorSpec([None], tf.string, name="examples")
        columns = {
            name: tf.TensorSpec([None], spec.dtype, name=name)
            for name, spec in self._feature_spec.items()
        }
        return {
            "serving_default": self._serve_columns.get_concrete_function(columns),
            "serving_examples": self._serve_examples.get_concrete_function(examples),
            "transform_features": self._features.get_concrete_function(examples),
        }

    @traced
    def _serve_columns(self, columns: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self._answer({name: _sparse(value) for name, value in columns.items()})

    @traced
    def _serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._answer(tf.io.parse_example(examples, self._feature_spec))

    @traced
    def _features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.transform(tf.io.parse_example(examples, self._raw_spec))

    def _answer(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        features = dict(self.transform(raw))
        features.pop(self._label, None)
        columns = {
            name: tf.reshape(features[name], [-1, 1]) for name in sorted(features)
        }
        return {"probability": tf.squeeze(self._model(columns), axis=1)}


@contextlib.contextmanager
def _columns_in_fixed_order() -> Iterator[None]:
    """TFT takes the columns that it is not given by name.

    It keeps them in a set of texts, whose order is another one in each process, and so
    would be the graph.
    """
    loader = saved_transform_io_v2.SavedModelLoader
    unordered = loader._get_unfed_input_keys

    def ordered(self: Any, given: Iterable[str]) -> list[str]:
        return sorted(unordered(self, given))

    with mock.patch.object(loader, "_get_unfed_input_keys", ordered):
        yield


def _name_tables_by_content(path: str) -> None:
    """Gives each lookup table the digest of its vocabulary for a name.

    TensorFlow names a table by the path of the file that it was made from, and whoever
    gets the model would read somebody's folders. A name must differ where the content
    does, for tables of one name are one table in a process, as when an evaluation loads
    two models.
    """
    file = os.path.join(path, "saved_model.pb")
    model = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(file, "rb") as stream:
        model.ParseFromString(stream.read())
    nodes = [node for graph in model.meta_graphs for node in _nodes(graph.graph_def)]
    tables = [node.attr["shared_name"] for node in nodes if node.op == "HashTableV2"]
    names = _table_names({table.s for table in tables}, _vocabularies(path))
    for table in tables:
        table.s = names[table.s]
    with tf.io.gfile.GFile(file, "wb") as stream:
        stream.write(model.SerializeToString(deterministic=True))
    # It is of the graph as it was, with a random id; nothing needs it.
    fingerprint = os.path.join(path, "fingerprint.pb")
    if tf.io.gfile.exists(fingerprint):
        tf.io.gfile.remove(fingerprint)


def _nodes(graph: graph_pb2.GraphDef) -> Iterator[node_def_pb2.NodeDef]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _vocabularies(path: str) -> dict[bytes, str]:
    """Name of each vocabulary's file -> the first 16 hex digits of its SHA-256."""
    folder = os.path.join(path, "assets")
    found = {}
    for name in tf.io.gfile.listdir(folder) if tf.io.gfile.exists(folder) else ():
        with tf.io.gfile.GFile(os.path.join(folder, name), "rb") as stream:
            found[name.encode()] = hashlib.sha256(stream.read()).hexdigest()[:16]
    return found


def _table_names(
    names: Iterable[bytes], vocabularies: Mapping[bytes, str]
) -> dict[bytes, bytes]:
    """TensorFlow's name of a table -> ours: vocabulary, digest, number.

    There is a table a use of a vocabulary; TensorFlow's names end with a counter.
    """
    found: dict[bytes, bytes] = {}
    count = collections.Counter[str]()
    for name in sorted(names, key=lambda each: (len(each), each)):
        file = next((f for f in vocabularies if b"/" + f + b"'" in name), b"table")
        ours = f"{file.decode()}_{vocabularies.get(file, '')}"
        found[name] = f"{ours}_{count[ours]}".encode()
        count[ours] += 1
    return found


def _sparse(values: tf.Tensor) -> tf.SparseTensor:
    """A (batch,) tensor as the sparse (batch, 1) one of parsed tf.Examples.

    With an entry for every row: Transform drops those that mean missing.
    """
    rows = tf.range(tf.size(values, tf.int64), dtype=tf.int64)
    places = tf.stack([rows, tf.zeros_like(rows)], axis=1)
    return tf.SparseTensor(places, values, [tf.size(values, tf.int64), 1])
