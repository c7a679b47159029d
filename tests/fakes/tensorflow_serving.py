"""TensorFlow Serving's REST predict: rows as JSON -> tensors by the signature -> graph.

The row format as its documentation has it, strict about names and types. The model is
loaded as it loads one: by the graph's own ops, into a session.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http import server as http
from typing import Any

import numpy as np
import tensorflow as tf

_TYPES = {tf.float32: (int, float), tf.int64: (int,), tf.string: (str,)}


class Refused(Exception):  # noqa: N818 (what the server does)
    """An answer of 400, with its words."""


class Model:
    """A loaded SavedModel."""

    def __init__(self, path: str) -> None:
        with tf.Graph().as_default():
            self._session = tf.compat.v1.Session()
            loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], path)
        self._signatures = dict(loaded.signature_def)

    def predict(self, request: dict[str, Any]) -> dict[str, Any]:
        """{"instances": [...]} -> {"predictions": [...]}."""
        name = request.get("signature_name", "serving_default")
        if name not in self._signatures:
            raise Refused(
                f'Serving signature name: "{name}" not found in signature def'
            )
        signature = self._signatures[name]
        types = {k: tf.as_dtype(v.dtype) for k, v in signature.inputs.items()}
        feeds = {
            signature.inputs[key].name: np.array(values, _array_type(types[key]))
            for key, values in _columns(request.get("instances"), types).items()
        }
        outputs = {key: tensor.name for key, tensor in signature.outputs.items()}
        found = self._session.run(outputs, feeds)
        if len(found) == 1:  # then the values stand without the output's name
            [values] = found.values()
            return {"predictions": values.tolist()}
        rows = zip(*(values.tolist() for values in found.values()), strict=True)
        return {"predictions": [dict(zip(found, row, strict=True)) for row in rows]}


def _array_type(type_: tf.DType) -> Any:
    return object if type_ == tf.string else type_.as_numpy_dtype


def _columns(instances: Any, types: dict[str, Any]) -> dict[str, list[Any]]:
    if not isinstance(instances, list) or not instances:
        raise Refused("No values in 'instances' array")
    if all(isinstance(each, dict) and set(each) != {"b64"} for each in instances):
        rows = instances
    elif len(types) > 1:
        raise Refused("instances is a plain list, but expecting list of objects")
    else:
        [only] = types
        rows = [{only: each} for each in instances]
    for number, row in enumerate(rows):
        if set(row) != set(types):
            keys = ",".join(sorted(types))
            raise Refused(
                f"Failed to process element: {number} of 'instances' list. "
                f"JSON object keys must be equal to: {keys}"
            )
    return {
        key: [_value(row[key], type_) for row in rows] for key, type_ in types.items()
    }


def _value(value: Any, type_: tf.DType) -> Any:
    """The value, or lists of values; Python's JSON has NaN as Serving's has."""
    if isinstance(value, list):
        return [_value(each, type_) for each in value]
    if type_ == tf.string and isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, bool) or not isinstance(value, _TYPES[type_]):
        raise Refused(
            f"JSON Value: {json.dumps(value)} is not of expected type: {type_.name}"
        )
    return value


@contextlib.contextmanager
def running(name: str, path: str) -> Iterator[str]:
    """Serves the SavedModel; yields the address, host:port."""
    model = Model(path)

    class Handler(http.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path != f"/v1/models/{name}:predict":
                self._send(404, {"error": f"Servable not found for {self.path}"})
                return
            try:
                self._send(200, model.predict(json.loads(body)))
            except (Refused, ValueError) as error:
                self._send(400, {"error": str(error)})

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: Any) -> None:
            """Says nothing."""

    with http.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
