"""Which SavedModels may serve: asked with real rows, as a model server would."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from pipeline.serving import check
from transform import missing

SPEC = {
    "name": tf.io.FixedLenFeature([], tf.string, ""),
    "share": tf.io.FixedLenFeature([], tf.float32, float("nan")),
    "number": tf.io.FixedLenFeature([], tf.int64, -1),
}
COLUMNS = {
    name: tf.TensorSpec([None], feature.dtype, name) for name, feature in SPEC.items()
}


class Model(tf.Module):
    """Answers from the length of the name; each test spoils one thing.

    Both signatures give `answer` the columns by name and a weight.
    """

    def __init__(self, answer=None, by_column=None) -> None:
        super().__init__()
        self.weight = tf.Variable(0.5)
        self.answer = answer or self._good
        self.answer_by_column = by_column or self.answer

    @staticmethod
    def _good(columns, weight):
        lengths = tf.cast(tf.strings.length(columns["name"]), tf.float32)
        return lengths / (lengths + 1.0) * weight

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def by_example(self, examples):
        columns = tf.io.parse_example(examples, SPEC)
        return {"probability": self.answer(columns, self.weight)}

    @tf.function(input_signature=[COLUMNS])
    def by_column(self, columns):
        return {"probability": self.answer_by_column(columns, self.weight)}

    def save(self, path) -> str:
        signatures = {
            "serving_examples": self.by_example,
            "serving_default": self.by_column,
        }
        tf.saved_model.save(self, str(path), signatures=signatures)
        return str(path)


@pytest.fixture
def save(tmp_path):
    def save(answer=None, by_column=None) -> str:
        return Model(answer, by_column).save(tmp_path / "model")

    return save


def example(number: int, whole: bool) -> bytes:
    """A row whose name has that length; one that is not whole has the name alone."""
    of = tf.train
    feature = {"name": of.Feature(bytes_list=of.BytesList(value=[b"x" * number]))}
    if whole:
        feature["share"] = of.Feature(float_list=of.FloatList(value=[0.5]))
        feature["number"] = of.Feature(int64_list=of.Int64List(value=[number]))
    return of.Example(features=of.Features(feature=feature)).SerializeToString()


@pytest.fixture
def write(tmp_path):
    """Raw examples, gzip TFRecords as ExampleGen leaves them."""

    def write(count: int, whole: int = 1000) -> str:
        folder = tmp_path / "Split-test"
        folder.mkdir()
        path = str(folder / "data.gz")
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for number in range(count):
                writer.write(example(number, number < whole))
        return str(folder)

    return write


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "address"])
def test_a_model_that_serves_is_reported_with_its_speed_and_size(save, write, scheme):
    """On Vertex both are addresses, which Python's own file functions do not know."""
    report = check.check(scheme + save(), scheme + write(5), 200)

    assert report.rows == 5
    assert 0 < report.p50_ms <= report.p95_ms
    assert report.size_mb > 0
    assert len(report.model_sha256) == 64


def size(columns) -> tf.Tensor:
    return tf.size(columns["name"])


def test_no_more_rows_are_asked_than_wanted(save, write):
    assert check.check(save(), write(5), 2).rows == 2


@pytest.mark.parametrize("count", [0, None])
def test_no_rows_to_ask_are_refused(save, write, tmp_path, count):
    folder = str(tmp_path / "gone") if count is None else write(count)

    with pytest.raises(ValueError, match="no rows") as caught:
        check.check(save(), folder, 10)

    assert str(caught.value) == f"{folder} holds no rows to ask the model"


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        (lambda columns, weight: tf.fill([size(columns), 1], weight), "(3, 1)"),
        (lambda columns, weight: tf.fill([size(columns), 2], weight), "(3, 2)"),
        (lambda columns, weight: tf.fill([1], weight), "(1,)"),
    ],
)
@pytest.mark.parametrize("signature", ["both", "by column"])
def test_an_answer_of_the_wrong_shape_is_refused(save, write, signature, answer, shape):
    path = save(answer) if signature == "both" else save(by_column=answer)

    with pytest.raises(ValueError, match="shape") as caught:
        check.check(path, write(3), 10)

    assert str(caught.value) == f"3 rows got an answer of shape {shape}"


@pytest.mark.parametrize("value", [1.5, -0.25, float("nan")])
def test_an_answer_that_is_no_probability_is_refused(save, write, value):
    def answer(columns, weight):
        return tf.fill([size(columns)], weight * 0 + value)

    with pytest.raises(ValueError, match="not a probability") as caught:
        check.check(save(answer), write(3), 10)

    assert str(caught.value) == f"an answer is not a probability: {value} {value}"


def test_a_row_that_gets_another_answer_alone_is_refused(save, write):
    """Such as a model that normalises by the batch."""

    def answer(columns, weight):
        return tf.fill([size(columns)], weight / tf.cast(size(columns), tf.float32))

    with pytest.raises(ValueError, match="alone") as caught:
        check.check(save(answer), write(2), 10)

    assert str(caught.value) == "one row alone gets 0.5, in a batch 0.25"


def test_a_row_that_gets_another_answer_alone_by_column_is_refused(save, write):
    """Single rows are asked as clients ask them."""

    def evaluated(columns, weight):
        return tf.fill([size(columns)], weight / 2.0)

    def served(columns, weight):
        return tf.fill([size(columns)], weight / tf.cast(size(columns), tf.float32))

    with pytest.raises(ValueError, match="alone gets"):
        check.check(save(evaluated, by_column=served), write(2), 10)


def test_a_row_that_gets_another_answer_by_column_is_refused(save, write):
    """What was evaluated would not be what is served."""

    def answer(columns, weight):
        return Model._good(columns, weight) / 2.0

    with pytest.raises(ValueError, match="by column") as caught:
        check.check(save(by_column=answer), write(2), 10)

    expected = "one row by column gets 0.125, as a tf.Example 0.25"
    assert str(caught.value) == expected


def test_a_row_that_misses_values_is_asked_by_column_as_well():
    """With what a client says for them."""
    records = [tf.train.Example().SerializeToString(), example(2, whole=True)]
    types = {"share": tf.float32, "name": tf.string, "number": tf.int64}

    columns = check._columns(types, records)

    assert columns["name"].tolist() == [b"", b"xx"]
    assert columns["share"].tolist() == [missing.NUMBER, 0.5]
    assert columns["number"].tolist() == [missing.NUMBER, 2]


def test_a_model_that_takes_a_missing_integer_for_a_number_is_refused(save, write):
    def answer(columns, weight):
        """As a tf.Example the number that is missing is -1 to it."""
        fair = Model._good(columns, weight)
        return tf.where(columns["number"] < -1, fair / 2.0, fair)

    with pytest.raises(ValueError, match="by column"):
        check.check(save(by_column=answer), write(5, whole=2), 10)


@pytest.mark.parametrize("absent", ["serving_default", "serving_examples"])
def test_a_model_without_one_of_the_signatures_is_refused(write, tmp_path, absent):
    model, path = Model(), str(tmp_path / "model")
    signatures = {
        "serving_examples": model.by_example,
        "serving_default": model.by_column,
    }
    del signatures[absent]
    tf.saved_model.save(model, path, signatures=signatures)

    with pytest.raises(KeyError, match=absent):
        check.check(path, write(2), 10)


def test_weights_that_a_model_server_would_not_restore_are_found(write, tmp_path):
    """Keras's own variables: only tf.saved_model.load finds them (keras#19274)."""
    layer = keras.layers.Dense(1, activation="sigmoid")
    layer.build((None, 1))

    def answer(columns, weight):
        lengths = tf.cast(tf.strings.length(columns["name"]), tf.float32)
        return tf.squeeze(layer(lengths[:, tf.newaxis]), axis=1)

    model = Model(answer)
    model.layer = layer
    path, examples = model.save(tmp_path / "model"), write(2)
    again = tf.saved_model.load(path).signatures["serving_default"]
    columns = {"name": ["a"], "share": [0.5], "number": tf.constant([1], tf.int64)}
    found = again(**{name: tf.constant(value) for name, value in columns.items()})

    with pytest.raises(ValueError, match=r"does not answer: Could not find variable"):
        check.check(path, examples, 10)

    assert 0 <= float(found["probability"][0]) <= 1


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

    def answer(columns, weight):
        return tf.cast(table.lookup(columns["name"]), tf.float32) / 3.0 * weight

    model, path = Model(answer), tmp_path / "model"
    model.table = table
    model.save(path)
    examples = write(2)
    whole = check.check(str(path), examples, 10)
    (path / "assets" / "vocabulary.txt").unlink()

    with pytest.raises(ValueError, match=r"does not load: .*vocabulary\.txt"):
        check.check(str(path), examples, 10)

    assert whole.rows == 2


def question(model: str, examples: str) -> str:
    return json.dumps({"model": model, "examples": examples, "rows": 10}) + "\n"


def test_the_last_line_of_the_output_is_the_report(save, write, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(question(save(), write(2))))

    code = check.main()

    assert code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rows"] == 2


def test_no_question_no_report(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert check.main() == 0
    assert capsys.readouterr().out == ""


# In a fresh process, as Pusher runs it


def checked(model: str, examples: str, repository):
    return subprocess.run(
        [sys.executable, "-m", "pipeline.serving.check"],
        input=question(model, examples),
        capture_output=True,
        text=True,
        cwd=repository,
    )


def test_a_model_that_needs_this_projects_code_does_not_serve(save, write, repository):
    """Python code is not saved with the model: only its name is."""

    def answer(columns, weight):
        return tf.py_function(
            lambda x: tf.fill([tf.size(x)], 0.5), [columns["name"]], tf.float32
        )

    done = checked(save(answer), write(2), repository)

    assert done.returncode == 1
    assert "pyfunc" in done.stderr.lower()
