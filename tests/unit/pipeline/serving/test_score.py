"""Files are scored whole: every row is in the output or among the rejects."""

from __future__ import annotations

import csv
import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipeline.data import reading
from pipeline.data.lines import Limits
from pipeline.errors import DataRefused, DataUnreadable, UsageError
from pipeline.serving import score as score_lib
from pipeline.serving.scorer import Scorer

SCHEMA = """
feature { name: "x" type: FLOAT presence { min_fraction: 1.0 } }
feature { name: "n" type: INT }
"""
SPEC = {
    "n": tf.io.VarLenFeature(tf.int64),
    "x": tf.io.VarLenFeature(tf.float32),
}


class Model(tf.Module):
    """Answers x, or 0.5 where n is missing."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def by_example(self, examples):
        columns = tf.io.parse_example(examples, SPEC)
        shape = [tf.size(examples, out_type=tf.int64), 1]
        n = tf.sparse.to_dense(tf.sparse.reset_shape(columns["n"], shape), -1)
        x = tf.sparse.to_dense(columns["x"])
        return {"probability": tf.where(n < 0, tf.constant(0.5), x)[:, 0]}

    @tf.function(
        input_signature=[
            {
                "n": tf.TensorSpec([None], tf.int64, name="n"),
                "x": tf.TensorSpec([None], tf.float32, name="x"),
            }
        ]
    )
    def by_column(self, columns):
        return {"probability": columns["x"] + 0 * tf.cast(columns["n"], tf.float32)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    module = Model()
    signatures = {
        "serving_examples": module.by_example,
        "serving_default": module.by_column,
    }
    tf.saved_model.save(module, folder, signatures=signatures)
    return folder


@pytest.fixture
def score(model, tmp_path):
    (tmp_path / "schema.pbtxt").write_text(SCHEMA)

    def score(*sources, into="out.csv"):
        names = {str(source): source.name for source in sources}
        return score_lib.score(
            model=model,
            version="7",
            schema_file=str(tmp_path / "schema.pbtxt"),
            inputs=names if "." not in into else {str(sources[0]): ""},
            target=str(tmp_path / into),
            rejects=str(tmp_path / f"{into}.rejects.csv"),
            limits=vars(Limits()),
        )

    return score


@pytest.fixture
def source(tmp_path):
    def source(text: str, name: str = "in.csv"):
        content = text.encode()
        file = tmp_path / name
        file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return file

    return source


def rows_of(file) -> list[list[str]]:
    opener = gzip.open if file.name.endswith(".gz") else open
    with opener(file, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_every_column_stays_as_it_was_and_the_answer_is_added(score, source, tmp_path):
    file = source('note,x,n\n"a ""b"",\nc",0.250,1\n,1e-1,\n')

    report = score(file)

    assert report == {"rows": 2, "rejected": 0}
    assert rows_of(tmp_path / "out.csv") == [
        ["note", "x", "n", "probability", "model_version"],
        ['a "b",\nc', "0.250", "1", "0.25", "7"],
        ["", "1e-1", "", "0.5", "7"],
    ]
    assert not (tmp_path / "out.csv.rejects.csv").exists()


def test_rows_that_do_not_fit_go_aside_with_line_and_reason(score, source, tmp_path):
    file = source('x,n,note\n0.1,1,"two\nlines"\n,2,b\n0.3,many,c\n0.4,4\n0.5,5,d\n')

    report = score(file)

    assert report == {"rows": 2, "rejected": 3}
    assert [row[0] for row in rows_of(tmp_path / "out.csv")] == ["x", "0.1", "0.5"]
    assert rows_of(tmp_path / "out.csv.rejects.csv") == [
        ["file", "line", "row", "column", "value", "reason"],
        [str(file), "4", "2", "x", "", "is missing; the schema needs it"],
        [str(file), "5", "3", "n", "many", "is not a whole number"],
        [str(file), "6", "4", "", "0.4,4", "has 2 fields; the header has 3"],
    ]


def test_a_value_that_cannot_be_read_hides_no_other_misfit(score, source, tmp_path):
    """Both are in one column of one batch."""
    score(source("x,n\n0.1,1\nbad,2\n,3\n"))

    rejects = rows_of(tmp_path / "out.csv.rejects.csv")[1:]
    assert [(row[2], row[5]) for row in rejects] == [
        ("2", "is not a number"),
        ("3", "is missing; the schema needs it"),
    ]


def test_parquet_keeps_its_types(score, tmp_path):
    table = pa.table(
        {
            "tags": pa.array([["a"], []], pa.list_(pa.string())),
            "x": pa.array([0.25, 0.5], pa.float64()),
            "n": pa.array([1, 2], pa.int16()),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=1)

    score(tmp_path / "in.parquet", into="out.parquet")

    found = pq.read_table(tmp_path / "out.parquet")
    assert found.select(["tags", "x", "n"]) == table
    assert found["probability"].to_pylist() == [0.25, 0.5]


def test_a_folder_becomes_a_folder_and_gzip_stays_gzip(score, source, tmp_path):
    files = [source("x,n\n0.1,1\n", "a.csv"), source("x,n\n0.2,1\n", "b.csv.gz")]

    report = score(*files, into="out")

    assert report["rows"] == 2
    found = [rows_of(tmp_path / "out" / file.name)[1][2] for file in files]
    assert found == ["0.1", "0.2"]


def test_many_batches_are_one_file(score, source, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK_BYTES", 64)
    values = [round(number / 100, 2) for number in range(100)]
    file = source("x,n\n" + "".join(f"{value},1\n" for value in values))

    score(file)

    found = rows_of(tmp_path / "out.csv")
    assert found[0] == ["x", "n", "probability", "model_version"]
    assert [float(row[2]) for row in found[1:]] == values


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x\n0.1\n", DataRefused, "has no column n; the model reads n, x"),
        ("x,n,probability\n0.1,1,2\n", DataRefused, "has a column probability already"),
        ("x,n\n", DataRefused, "no rows to score"),
        ("x,n\n,1\n", DataRefused, r"not a single row fits[^$]*row 1\), column 'x'"),
        ('x,n\n0.1,"1\n0.2,1\n', DataUnreadable, "a quote is opened and never closed"),
    ],
    ids=["column", "taken", "empty", "misfit", "quote"],
)
def test_what_cannot_be_scored_leaves_no_output(
    score, source, tmp_path, text, error, words
):
    file = source(text)

    with pytest.raises(error, match=words):
        score(file)

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"in.csv", "schema.pbtxt"}


def test_a_damaged_file_in_a_folder_leaves_no_folder(score, source, tmp_path):
    good, bad = source("x,n\n0.1,1\n", "a.csv"), source("no parquet", "b.parquet")

    with pytest.raises(DataUnreadable, match=r"b\.parquet"):
        score(good, bad, into="out")

    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.partial").exists()


def test_an_answer_that_is_no_probability_ends_it(score, source, tmp_path):
    with pytest.raises(ValueError, match="an answer is not a probability"):
        score(source("x,n\n1.5,1\n"))

    assert not (tmp_path / "out.csv").exists()


def test_a_model_that_other_code_pushed_is_refused_with_what_it_has(tmp_path):
    module, folder = Model(), str(tmp_path / "1795559940")
    signatures = {
        "serving_default": module.by_example,
        "serving_raw": module.by_column,
    }
    tf.saved_model.save(module, folder, signatures=signatures)

    with pytest.raises(UsageError) as refused:
        Scorer(folder)

    words = "1795559940 has no signature serving_examples (it has serving_default, serv"
    assert words in str(refused.value)
