"""Which model a SavedModel is, whatever TensorFlow writes around it."""

from __future__ import annotations

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from pipeline.serving import identity


class Model(tf.Module):
    """Looks a word up, adds, and answers: a table, a weight, a function in another."""

    def __init__(self, words, weight: float, add: float) -> None:
        super().__init__()
        self.table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                words,
                *(tf.string, tf.lookup.TextFileIndex.WHOLE_LINE),
                *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
            ),
            num_oov_buckets=1,
        )
        self.asset = tf.saved_model.Asset(words)
        self.weight = tf.Variable(weight)
        self._add = add

    @tf.function(autograph=False)
    def _inner(self, word):
        return tf.cast(self.table.lookup(word), tf.float32) * self.weight

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def answer(self, word):
        return {"answer": self._inner(word) + self._add}


@pytest.fixture
def saved(tmp_path):
    """Saves one, in a process that has done more with each."""
    made = []

    def saved(
        words: str = "a\nb\n", weight: float = 1.0, add: float = 2.0, name="answer"
    ) -> str:
        for _ in range(len(made)):
            tf.function(lambda x: x + 1).get_concrete_function(tf.constant(1))
        folder = tmp_path / "words"
        folder.mkdir(exist_ok=True)
        (folder / "words.txt").write_text(words)
        model = Model(str(folder / "words.txt"), weight, add)
        path = str(tmp_path / f"model-{len(made)}")
        tf.saved_model.save(model, path, signatures={name: model.answer})
        made.append(path)
        return path

    return saved


def functions(path: str) -> set[str]:
    model = saved_model_pb2.SavedModel()
    with open(f"{path}/saved_model.pb", "rb") as file:
        model.ParseFromString(file.read())
    library = model.meta_graphs[0].graph_def.library
    return {function.signature.name for function in library.function}


def test_the_same_model_is_the_same_whatever_the_process_did_before(saved):
    one, other = saved(), saved()

    assert functions(one) != functions(other)
    assert identity.digest(one) == identity.digest(other)


@pytest.mark.parametrize(
    "change",
    [{"weight": 1.0000001}, {"add": 3.0}, {"words": "a\nc\n"}, {"name": "other"}],
    ids=lambda change: next(iter(change)),
)
def test_another_weight_constant_word_or_signature_is_another_model(saved, change):
    assert identity.digest(saved()) != identity.digest(saved(**change))


def test_another_operation_attribute_is_another_model(saved):
    path = saved()
    before = identity.digest(path)
    model = saved_model_pb2.SavedModel()
    with open(f"{path}/saved_model.pb", "rb") as file:
        model.ParseFromString(file.read())
    [node, *_] = [
        node
        for function in model.meta_graphs[0].graph_def.library.function
        for node in function.node_def
        if node.op == "Cast"
    ]
    node.attr["Truncate"].b = True
    with open(f"{path}/saved_model.pb", "wb") as file:
        file.write(model.SerializeToString())

    assert identity.digest(path) != before


def test_what_cannot_be_read_is_no_model(tmp_path):
    with pytest.raises(tf.errors.NotFoundError):
        identity.digest(str(tmp_path))
