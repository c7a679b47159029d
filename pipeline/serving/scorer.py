"""A pushed model: the columns that it reads, and its answers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import tensorflow as tf

from pipeline import errors
from pipeline.data import writing
from pipeline.data.columns import Kind
from pipeline.serving import check

_KINDS: dict[Any, Kind] = {tf.int64: "INT", tf.float32: "FLOAT", tf.string: "BYTES"}


class Scorer:
    """The model of one version folder.

    It is asked tf.Examples, since an integer may be missing there; the signature by
    column has no word for that, but names the columns and their types.

    Attributes:
      kinds: column -> its type, of all columns that the model reads.
    """

    def __init__(self, saved_model: str) -> None:
        """Loads it.

        Raises:
          UsageError: it does not take tf.Examples as the models of this code do.
        """
        # The signatures live as long as what was loaded.
        self._loaded = tf.saved_model.load(saved_model)
        signatures = self._loaded.signatures
        if "serving_examples" not in signatures:
            raise errors.UsageError(
                f"{saved_model} has no signature serving_examples (it has "
                f"{', '.join(sorted(signatures))}): another version of this code "
                "pushed it. Run the pipeline, or name another version: --version N"
            )
        self._serve = signatures["serving_examples"]
        _, named = signatures["serving_default"].structured_input_signature
        self.kinds = {name: _KINDS[spec.dtype] for name, spec in sorted(named.items())}

    def probabilities(self, rows: pa.RecordBatch) -> list[float]:
        """The answer for each row.

        Raises:
          ValueError: an answer is not a probability.
        """
        if not rows.num_rows:
            return []
        examples = tf.constant(writing.encoded(rows), shape=[rows.num_rows])
        answers = self._serve(examples=examples)["probability"].numpy()
        check.require_probabilities(answers, rows.num_rows)
        # The shortest text that reads back as the same float32.
        return [float(str(answer)) for answer in answers]
