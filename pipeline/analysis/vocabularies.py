"""Counted words as the file that a graph looks them up in."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow_transform.beam import analyzer_impls

Words = list[tuple[Any, bytes]]
"""How often, and which; the most frequent first. TFT breaks ties by the word, largest
first."""


def pruned(
    counts: Mapping[Any, int], top_k: int | None, at_least: int, dtype: str
) -> Words:
    """The words that stay, in their order.

    Args:
      counts: word -> how often it was seen.
      top_k: the most that may stay; None is all.
      at_least: how often a word must have been seen.
      dtype: TensorFlow's name of the words' type.
    """
    pairs = [(count, word) for word, count in counts.items() if count >= at_least]
    if dtype != tf.string.name:
        pairs = [(count, tf.compat.as_bytes(str(word))) for count, word in pairs]
    if top_k is None:
        return sorted(pairs, reverse=True)
    return heapq.nlargest(top_k, pairs)


def written(words: Words, name: str, dtype: str, store_frequency: bool) -> str:
    """The path of a file with a line for each word.

    It lies in TensorFlow's memory, under the digest of its content: a graph names its
    lookup tables by that path, and tables of one name are one table in a process.
    """
    kept = analyzer_impls.maybe_add_empty_vocabulary_dummy(words, dtype)
    lines = [
        analyzer_impls._count_and_token_to_bytes(count, word)
        if store_frequency
        else word
        for count, word in kept
    ]
    content = b"".join(line + b"\n" for line in lines)
    digest = hashlib.sha256(dtype.encode() + b"\0" + content).hexdigest()
    path = f"ram://tft/{digest}/{name}"
    if not tf.io.gfile.exists(path):  # else TensorFlow would append to it
        with tf.io.gfile.GFile(path, "wb") as file:
            file.write(content)
    return path
