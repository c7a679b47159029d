"""Which model a SavedModel is: a digest of its graph, weights and assets.

Two trainings from the same data, code and seed give the same model in other bytes:
TensorFlow numbers its functions by what the process did before, and stores them in no
fixed order. None of that is in the digest; a changed operation, attribute, signature,
weight or line of a vocabulary is.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, function_pb2
from tensorflow.core.protobuf import saved_model_pb2

_COUNTER = re.compile(r"_\d+$")
# TensorFlow's own bookkeeping in a checkpoint: the object graph with its counters, and
# how often the model was saved.
_NOT_WEIGHTS = ("_CHECKPOINTABLE_OBJECT_GRAPH", "save_counter")


def digest(folder: str) -> str:
    """SHA-256, 64 hex digits.

    Args:
      folder: of the SavedModel, on a disk or in a bucket.

    Raises:
      OSError, tf.errors.OpError: it cannot be read.
    """
    total = hashlib.sha256()
    for line in (*_graphs(folder), *_weights(folder), *_assets(folder)):
        total.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return total.hexdigest()


def _graphs(folder: str) -> Iterator[str]:
    model = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(os.path.join(folder, "saved_model.pb"), "rb") as file:
        model.ParseFromString(file.read())
    for graph in model.meta_graphs:
        functions = _Functions(graph.graph_def.library.function)
        yield "tags " + " ".join(sorted(graph.meta_info_def.tags))
        for name, signature in sorted(graph.signature_def.items()):
            yield f"signature {name} {_hash(signature)}"
        yield "nodes " + functions.of_nodes(graph.graph_def.node)
        yield from sorted(f"function {each}" for each in functions.hashes())
        yield from sorted(f"asset {_hash(each)}" for each in graph.asset_file_def)
        yield "objects " + _objects(graph.object_graph_def, functions)


class _Functions:
    """The functions of a graph, each by what it does and not by its name."""

    def __init__(self, library: Any) -> None:
        self._by_name = {each.signature.name: each for each in library}
        self._known: dict[str, str] = {}

    def hashes(self) -> list[str]:
        return [self.of(name) for name in self._by_name]

    def of(self, name: str) -> str:
        """The hash of a function; of a name that is none, the name."""
        if name not in self._by_name:
            return name
        if name not in self._known:
            self._known[name] = _COUNTER.sub("", name)  # of one that calls itself
            self._known[name] = self._hash_of(self._by_name[name])
        return self._known[name]

    def of_nodes(self, nodes: Any, arguments: Mapping[str, str] | None = None) -> str:
        """Of operations in no order: each has a name of its own.

        Args:
          nodes: of a graph, or of a function.
          arguments: name of each argument of the function -> its place.
        """
        places = arguments or {}
        return _hash_text(*sorted(self._node(node, places) for node in nodes))

    def _node(self, node: Any, places: Mapping[str, str]) -> str:
        attributes = {key: self._attribute(value) for key, value in node.attr.items()}
        given = [places.get(each, each) for each in node.input]
        # What must be done before has no order; tf.Operation keeps it in a set.
        first = sorted(each for each in given if each.startswith("^"))
        inputs = [*(each for each in given if not each.startswith("^")), *first]
        return _text(node.name, self.of(node.op), inputs, node.device, attributes)

    def _attribute(self, value: attr_value_pb2.AttrValue) -> str:
        if value.HasField("func"):
            return self._reference(value.func)
        if value.list.func:
            return _text(*(self._reference(each) for each in value.list.func))
        return value.SerializeToString(deterministic=True).hex()

    def _reference(self, func: attr_value_pb2.NameAttrList) -> str:
        attributes = {key: self._attribute(value) for key, value in func.attr.items()}
        return _text(self.of(func.name), attributes)

    def _hash_of(self, found: function_pb2.FunctionDef) -> str:
        signature = type(found.signature)()
        signature.CopyFrom(found.signature)
        signature.name = ""
        places = {}
        for number, argument in enumerate(signature.input_arg):
            # TensorFlow counts in these names what the process did before.
            places[argument.name] = argument.name = f"argument {number}"
        returned = {key: places.get(name, name) for key, name in found.ret.items()}
        return _hash_text(
            signature.SerializeToString(deterministic=True).hex(),
            self.of_nodes(found.node_def, places),
            _text(returned, dict(found.control_ret)),
            _text({k: self._attribute(v) for k, v in found.attr.items()}),
            _text(
                {
                    number: {
                        k: self._attribute(v)
                        for k, v in each.attr.items()
                        if k != "_user_specified_name"  # a counter, too
                    }
                    for number, each in found.arg_attr.items()
                }
            ),
        )


def _objects(graph: Any, functions: _Functions) -> str:
    """The objects that a program finds in the model, and what they are made of."""
    found = type(graph)()
    found.CopyFrom(graph)
    concrete = sorted(
        (functions.of(name), _hash(function))
        for name, function in found.concrete_functions.items()
    )
    found.ClearField("concrete_functions")
    for node in found.nodes:
        names = node.function.concrete_functions
        names[:] = [functions.of(name) for name in names]
        if name := node.bare_concrete_function.concrete_function_name:
            node.bare_concrete_function.concrete_function_name = functions.of(name)
    return _hash_text(_hash(found), _text(concrete))


def _weights(folder: str) -> Iterator[str]:
    path = os.path.join(folder, "variables", "variables")
    if not tf.io.gfile.exists(path + ".index"):
        return
    reader = tf.train.load_checkpoint(path)
    for name in sorted(reader.get_variable_to_shape_map()):
        if not name.startswith(_NOT_WEIGHTS):
            value = reader.get_tensor(name)
            content = hashlib.sha256(_bytes(value)).hexdigest()
            yield f"weight {name} {value.dtype} {value.shape} {content}"


def _bytes(value: Any) -> bytes:
    if value.dtype == object:  # of strings
        return _text(*(bytes(each).hex() for each in value.ravel())).encode()
    return bytes(value.tobytes())


def _assets(folder: str) -> Iterator[str]:
    assets = os.path.join(folder, "assets")
    if not tf.io.gfile.exists(assets):
        return
    for name in sorted(tf.io.gfile.listdir(assets)):
        with tf.io.gfile.GFile(os.path.join(assets, name), "rb") as file:
            yield f"file {name} {hashlib.sha256(file.read()).hexdigest()}"


def _hash(message: Any) -> str:
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()


def _hash_text(*parts: str) -> str:
    return hashlib.sha256(_text(*parts).encode("utf-8", "surrogatepass")).hexdigest()


def _text(*parts: Any) -> str:
    return repr(
        [sorted(part.items()) if isinstance(part, Mapping) else part for part in parts]
    )
