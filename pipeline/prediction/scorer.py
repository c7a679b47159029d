"""A pushed model: the columns that it reads, and its answers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import tensorflow as tf

from pipeline import serving_check
from pipeline.ingestion import writing
from pipeline.ingestion.columns import Kind

_KINDS: dict[Any, Kind] = {tf.int64: "INT", tf.float32: "FLOAT", tf.string: "BYTES"}


class Scorer:
    """The model of one version folder.

    It is asked tf.Examples, since an integer may be missing there; `serving_raw` has
    no word for that, but names the columns and their types.

    Attributes:
      kinds: column -> its type, of all columns that the model reads.
    """

    def __init__(self, saved_model: str) -> None:
        # The signatures live as long as what was loaded.
        self._loaded = tf.saved_model.load(saved_model)
        _, named = self._loaded.signatures["serving_raw"].structured_input_signature
        self.kinds = {name: _KINDS[spec.dtype] for name, spec in sorted(named.items())}

    def probabilities(self, rows: pa.RecordBatch) -> list[float]:
        """The answer for each row.

        Raises:
          ValueError: an answer is no probability.
        """
        if not rows.num_rows:
            return []
        serve = self._loaded.signatures["serving_default"]
        examples = tf.constant(writing.encoded(rows), shape=[rows.num_rows])
        answers = serve(examples=examples)["probability"].numpy()
        serving_check.require_probabilities(answers, rows.num_rows)
        # The shortest text that reads back as the same float32.
        return [float(str(answer)) for answer in answers[:, 0]]
