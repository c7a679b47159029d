"""From raw CSV to a pushed model that answers, with the lineage in MLMD."""

import sqlite3
import subprocess
import sys
from pathlib import Path

NODES = [
    "ExampleGen",
    "StatisticsGen",
    "SchemaValidator",
    "Transform",
    "Trainer",
    "BaselineResolver",
    "Evaluator",
    "Pusher",
    "Notifier",
]


def test_the_default_run_pushes_a_good_model(taxi):
    assert taxi.code == 0, taxi.stdout + taxi.stderr
    assert taxi.summary["outcome"] == "SUCCEEDED"
    assert list(taxi.states) == NODES
    assert set(taxi.states.values()) == {"done"}
    assert taxi.summary["metrics"]["overall"]["auc"] > 0.93
    assert {f"trip_start_hour={hour}" for hour in range(24)} <= set(
        taxi.summary["metrics"]
    )
    assert "payment_type=Cash" in taxi.summary["metrics"]


def test_the_pushed_model_holds_no_path_of_whoever_made_it(taxi):
    files = [file for file in Path(taxi.summary["pushed"]).rglob("*") if file.is_file()]

    assert len(files) > 5
    assert [f for f in files if str(taxi.output).encode() in f.read_bytes()] == []


def test_the_terminal_shows_the_outcome_and_no_library_noise(taxi):
    assert "SUCCEEDED" in taxi.stdout
    assert taxi.summary["pushed"] in taxi.stdout
    assert "absl" not in taxi.stdout + taxi.stderr
    assert "tensorflow/core" not in taxi.stdout + taxi.stderr
    assert "Component Trainer is running" in (taxi.folder / "run.log").read_text()


def test_the_pushed_model_answers_in_a_process_without_this_project(taxi, tmp_path):
    """Both serving signatures, on raw values that a client would send."""
    script = """
import sys, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
by_column = model.signatures["serving_default"]
wanted = {k: v for k, v in by_column.structured_input_signature[1].items()}
defaults = {tf.float32: 10.0, tf.int64: 3, tf.string: "Credit Card"}
columns = {k: tf.constant([defaults[v.dtype]], v.dtype) for k, v in wanted.items()}
a = by_column(**columns)["probability"].numpy().item()
feature = lambda v: tf.train.Feature(
    float_list=tf.train.FloatList(value=[v])) if isinstance(v, float) else (
    tf.train.Feature(int64_list=tf.train.Int64List(value=[v])) if isinstance(v, int)
    else tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode()])))
example = tf.train.Example(features=tf.train.Features(
    feature={k: feature(defaults[v.dtype]) for k, v in wanted.items()}))
by_example = model.signatures["serving_examples"]
answer = by_example(examples=tf.constant([example.SerializeToString()]))
b = answer["probability"].numpy().item()
assert 0 < a < 1 and abs(a - b) < 1e-6, (a, b)
assert "tips" not in wanted and "fare" in wanted
print("answered", a)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, taxi.summary["pushed"]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert "answered" in done.stdout


def test_mlmd_holds_every_execution_with_inputs_and_outputs(taxi):
    database = sqlite3.connect(taxi.output / "metadata.sqlite")
    events = database.execute(
        "select t.name, e.type, count(*) from Event e join Execution x "
        "on e.execution_id = x.id join Type t on t.id = x.type_id "
        "group by t.name, e.type"
    ).fetchall()
    names = {name for name, _, _ in events}

    assert {name.split(".")[-1] for name in names} >= set(NODES) - {"BaselineResolver"}
    outputs = {name.split(".")[-1] for name, kind, _ in events if kind == 4}
    inputs = {name.split(".")[-1] for name, kind, _ in events if kind == 3}
    assert outputs == set(NODES) - {"BaselineResolver"}
    assert inputs == outputs - {"ExampleGen"}


def test_mlmd_holds_the_outcome_and_the_code_of_each_node(taxi):
    database = sqlite3.connect(taxi.output / "metadata.sqlite")
    outcome = database.execute(
        "select p.string_value from ContextProperty p join Context c "
        "on p.context_id = c.id where p.name = 'outcome' and c.name = ?",
        (taxi.summary["run_id"],),
    ).fetchall()
    digests = database.execute(
        "select count(*) from ExecutionProperty where name = 'code_digest'"
    ).fetchone()

    assert outcome == [("SUCCEEDED",)]
    assert digests == (len(NODES),)


def test_the_notifier_leaves_its_message_in_the_run_folder(taxi):
    message = (taxi.folder / "message.txt").read_text(encoding="utf-8")

    version = taxi.summary["pushed"].rpartition("/")[2]
    assert message.startswith(f"SUCCEEDED: pushed version {version}\n")
    assert "pipeline  chicago-taxi\n" in message
    assert f"run       {taxi.summary['run_id']}\n" in message
    assert f"What was pushed\n{taxi.summary['pushed']}\n" in message


def test_the_run_leaves_a_page_with_every_part(taxi):
    page = taxi.folder / "report.html"

    text = page.read_text(encoding="utf-8")
    parts = ("evaluation", "importance", "training", "data", "transform", "lineage")
    assert [part for part in parts if f'<section id="{part}">' not in text] == []
    assert str(page) in taxi.stdout
    assert "payment_type" in text
    assert "Each dot is a tenth of the rows" in text
