"""Which SavedModels may serve: asked with real rows, as a model server would."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
import tensorflow as tf

from pipeline import serving_check


class Model(tf.Module):
    """Answers from the length of a serialized row; each test spoils one thing."""

    def __init__(self, answer=None) -> None:
        super().__init__()
        self.weight = tf.Variable(0.5)
        self.answer = answer or (lambda rows, weight: self._good(rows, weight))

    @staticmethod
    def _good(rows, weight):
        lengths = tf.cast(tf.strings.length(rows), tf.float32)
        return tf.reshape(lengths / (lengths + 1.0) * weight, [-1, 1])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serve(self, examples):
        return {"probability": self.answer(examples, self.weight)}


@pytest.fixture
def save(tmp_path):
    def save(answer=None) -> str:
        model, path = Model(answer), str(tmp_path / "model")
        tf.saved_model.save(model, path, signatures={"serving_default": model.serve})
        return path

    return save


@pytest.fixture
def write(tmp_path):
    """Raw examples, gzip TFRecords as ExampleGen leaves them."""

    def write(count: int) -> str:
        folder = tmp_path / "Split-test"
        folder.mkdir()
        path = str(folder / "data.gz")
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for number in range(count):
                feature = tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[b"x" * number])
                )
                example = tf.train.Example(
                    features=tf.train.Features(feature={"name": feature})
                )
                writer.write(example.SerializeToString())
        return str(folder)

    return write


def test_a_model_that_serves_is_reported_with_its_speed_and_size(save, write):
    report = serving_check.check(save(), write(5), 200)

    assert set(report) == {"rows", "p50_ms", "p95_ms", "load_s", "size_mb"}
    assert report["rows"] == 5
    assert 0 < report["p50_ms"] <= report["p95_ms"]
    assert report["size_mb"] > 0


def test_no_more_rows_are_asked_than_wanted(save, write):
    assert serving_check.check(save(), write(5), 2)["rows"] == 2


@pytest.mark.parametrize("count", [0, None])
def test_no_rows_to_ask_are_refused(save, write, tmp_path, count):
    folder = str(tmp_path / "gone") if count is None else write(count)

    with pytest.raises(ValueError, match="no rows") as caught:
        serving_check.check(save(), folder, 10)

    assert str(caught.value) == f"{folder} holds no rows to ask the model"


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        (lambda rows, weight: tf.fill([tf.size(rows)], weight), "(3,)"),
        (lambda rows, weight: tf.fill([tf.size(rows), 2], weight), "(3, 2)"),
        (lambda rows, weight: tf.fill([1, 1], weight), "(1, 1)"),
    ],
)
def test_an_answer_of_the_wrong_shape_is_refused(save, write, answer, shape):
    with pytest.raises(ValueError, match="shape") as caught:
        serving_check.check(save(answer), write(3), 10)

    assert str(caught.value) == f"3 rows got an answer of shape {shape}"


@pytest.mark.parametrize("value", [1.5, -0.25, float("nan")])
def test_an_answer_that_is_no_probability_is_refused(save, write, value):
    def answer(rows, weight):
        return tf.fill([tf.size(rows), 1], weight * 0 + value)

    with pytest.raises(ValueError, match="no probability") as caught:
        serving_check.check(save(answer), write(3), 10)

    assert str(caught.value) == f"an answer is no probability: {value} {value}"


def test_a_row_that_gets_another_answer_alone_is_refused(save, write):
    """Such as a model that normalises by the batch."""

    def answer(rows, weight):
        return tf.fill([tf.size(rows), 1], weight / tf.cast(tf.size(rows), tf.float32))

    with pytest.raises(ValueError, match="alone") as caught:
        serving_check.check(save(answer), write(2), 10)

    assert str(caught.value) == "one row alone gets 0.5, in a batch 0.25"


def test_a_model_without_the_serving_signature_is_refused(write, tmp_path):
    path = str(tmp_path / "model")
    tf.saved_model.save(Model(), path, signatures={})

    with pytest.raises(KeyError, match="serving_default"):
        serving_check.check(path, write(2), 10)


def test_a_model_that_lost_its_vocabulary_is_refused(write, tmp_path):
    """A lookup table without its file, as one that nobody tracked would be."""
    vocabulary = tmp_path / "vocabulary.txt"
    vocabulary.write_text("a\nb\n")
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            str(vocabulary),
            *(tf.string, tf.lookup.TextFileIndex.WHOLE_LINE),
            *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
        ),
        num_oov_buckets=1,
    )

    def answer(rows, weight):
        ids = tf.cast(table.lookup(rows), tf.float32)
        return tf.reshape(ids / 3.0 * weight, [-1, 1])

    model, path = Model(answer), tmp_path / "model"
    model.table = table
    signatures = {"serving_default": model.serve}
    tf.saved_model.save(model, str(path), signatures=signatures)
    examples = write(2)
    whole = serving_check.check(str(path), examples, 10)
    (path / "assets" / "vocabulary.txt").unlink()

    with pytest.raises(FileNotFoundError, match=r"vocabulary\.txt"):
        serving_check.check(str(path), examples, 10)

    assert whole["rows"] == 2


def question(model: str, examples: str) -> str:
    return json.dumps({"model": model, "examples": examples, "rows": 10}) + "\n"


def test_the_last_line_of_the_output_is_the_report(save, write, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(question(save(), write(2))))

    code = serving_check.main()

    assert code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rows"] == 2


def test_no_question_no_report(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert serving_check.main() == 0
    assert capsys.readouterr().out == ""


# In a fresh process, as Pusher runs it


def checked(model: str, examples: str, repository):
    return subprocess.run(
        [sys.executable, "-m", "pipeline.serving_check"],
        input=question(model, examples),
        capture_output=True,
        text=True,
        cwd=repository,
    )


def test_a_model_that_needs_this_projects_code_does_not_serve(save, write, repository):
    """Python code is not saved with the model: only its name is."""

    def answer(rows, weight):
        return tf.py_function(
            lambda x: tf.fill([tf.size(x), 1], 0.5), [rows], tf.float32
        )

    done = checked(save(answer), write(2), repository)

    assert done.returncode == 1
    assert "pyfunc" in done.stderr.lower()
