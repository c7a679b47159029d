"""Only a blessed model, checked in a fresh process, appears all at once."""

from __future__ import annotations

import filecmp
import hashlib
import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts

from pipeline import content
from pipeline.components import pusher
from pipeline.components.pusher import PushPolicy
from pipeline.errors import PushFailed
from pipeline.registry import journal, manifest, pointer
from pipeline.registry.local import LocalRegistry
from pipeline.runs import start
from pipeline.serving.report import ServingReport

NUM_FILES = 200


@pytest.fixture
def saved_model(tmp_path):
    """A folder of many files, so that copying takes a while."""
    folder = tmp_path / "saved_model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    for number in range(NUM_FILES - 1):
        (folder / "variables" / f"{number}.data").write_text(str(number))
    return folder


@pytest.fixture
def serving(tmp_path):
    return tmp_path / "serving"


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def versions(folder) -> list[str]:
    return [name for name in names(folder) if name.isdigit()]


def num_files(folder) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


# The push


def test_a_push_makes_one_complete_numeric_version(saved_model, serving):
    before = int(time.time())

    version = pusher.push(str(saved_model), str(serving))

    (name,) = names(serving)
    assert version == str(serving / name)
    assert before <= int(name) <= time.time()
    assert num_files(serving / name) == NUM_FILES


def test_versions_always_increase_even_within_a_second(saved_model, serving):
    versions = [int(pusher.push(str(saved_model), str(serving))[-10:]) for _ in "abc"]

    assert versions == sorted(set(versions))
    assert names(serving) == [str(version) for version in versions]


def test_a_version_is_above_one_from_the_future(saved_model, serving):
    (serving / "99999999999").mkdir(parents=True)

    version = pusher.push(str(saved_model), str(serving))

    assert version == str(serving / "100000000000")


@pytest.mark.parametrize("name", ["latest", "7.backup", ".incoming-99999999999-1"])
def test_a_name_that_is_no_version_is_not_counted(saved_model, serving, name):
    (serving / name).mkdir(parents=True)

    version = pusher.push(str(saved_model), str(serving))

    assert int(version.rpartition("/")[2]) <= time.time()


def test_a_reader_only_ever_sees_complete_versions(saved_model, serving):
    serving.mkdir()
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            for path in serving.iterdir():
                if path.name.isdigit():
                    seen.add((path.name, num_files(path)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        versions = [pusher.push(str(saved_model), str(serving)) for _ in "abcd"]
    finally:
        done.set()
        reader.join()

    assert len(versions) == 4
    assert seen
    assert {count for _, count in seen} == {NUM_FILES}


def test_half_a_copy_has_no_name_that_a_model_server_loads(
    saved_model, serving, monkeypatch
):
    during = []

    def copy(source: str, target: str) -> None:
        shutil.copytree(source, target)
        during.extend(names(serving))

    monkeypatch.setattr(pusher.io_utils, "copy_dir", copy)

    pusher.push(str(saved_model), str(serving))

    assert len(during) == 1
    assert during[0].startswith(".incoming-")


def test_a_copy_that_fails_leaves_the_old_versions_and_nothing_else(
    saved_model, serving, monkeypatch
):
    old = pusher.push(str(saved_model), str(serving))

    def copy(source: str, target: str) -> None:
        shutil.copytree(source, target)
        raise OSError("No space left on device")

    monkeypatch.setattr(pusher.io_utils, "copy_dir", copy)

    with pytest.raises(PushFailed) as caught:
        pusher.push(str(saved_model), str(serving))

    assert str(caught.value) == (
        f"the model could not be written to {serving}: No space left on device. "
        "The versions there were not touched."
    )
    assert [str(serving / name) for name in names(serving)] == [old]
    assert num_files(serving) == NUM_FILES


def test_an_interrupted_copy_leaves_nothing_behind(saved_model, serving, monkeypatch):
    def copy(source: str, target: str) -> None:
        shutil.copytree(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(pusher.io_utils, "copy_dir", copy)

    with pytest.raises(KeyboardInterrupt):
        pusher.push(str(saved_model), str(serving))

    assert names(serving) == []


def test_a_destination_that_is_a_file_is_a_failed_push(saved_model, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(PushFailed, match=r"could not be written to .*/file/models"):
        pusher.push(str(saved_model), f"{tmp_path}/file/models")

    assert (tmp_path / "file").read_text() == ""


# The serving check, in a process of its own


@pytest.fixture
def python(tmp_path, monkeypatch):
    """Puts a script in the place of the interpreter that checks."""

    def python(script: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(pusher.sys, "executable", str(program))

    return python


REPORT = {
    "rows": 3,
    "p50_ms": 1,
    "p95_ms": 2,
    "load_s": 3,
    "size_mb": 4,
    "model_sha256": "0a1b",
}
CHECK = f"echo '{json.dumps(REPORT)}'"


def test_the_report_is_the_last_line_whatever_was_printed_before(python):
    python(f"echo noise; {CHECK}; echo warning >&2")

    report = pusher._serving_check("model", "examples", 3)

    assert report == ServingReport(**REPORT)


def test_the_check_gets_model_examples_and_rows(python, tmp_path):
    python(f'echo "$@" > {tmp_path}/asked; cat >> {tmp_path}/asked; {CHECK}')

    pusher._serving_check("model", "examples", 3)

    assert (tmp_path / "asked").read_text() == (
        "-m pipeline.serving.check\n"
        '{"model": "model", "examples": "examples", "rows": 3}\n'
    )


def test_a_process_that_was_prepared_is_the_one_that_is_asked(python, tmp_path):
    python(f"echo started >> {tmp_path}/log; cat > /dev/null; {CHECK}")

    pusher.prepare_check()
    pusher._serving_check("model", "examples", 3)

    assert (tmp_path / "log").read_text() == "started\n"
    assert pusher._prepared == []


def test_a_process_that_nobody_asked_is_ended(python):
    python("exec tail -f /dev/null")
    pusher.prepare_check()
    [process] = pusher._prepared

    pusher.discard_checks()

    assert process.wait(timeout=60) == -9
    assert pusher._prepared == []


def test_a_model_that_does_not_serve_is_not_pushed_for_the_reason_it_gave(python):
    python("echo Traceback >&2; echo 'ValueError: shape (3,)' >&2; exit 1")

    with pytest.raises(PushFailed) as caught:
        pusher._serving_check("model", "examples", 3)

    assert str(caught.value) == (
        "the model was not pushed: it does not serve in a fresh process: "
        "ValueError: shape (3,)"
    )


def test_a_check_that_died_without_a_word_is_told_by_its_exit_code(python):
    python("exit 7")

    with pytest.raises(PushFailed, match=r"in a fresh process: exit 7$"):
        pusher._serving_check("model", "examples", 3)


def test_a_check_that_hangs_ends_in_time(python, monkeypatch):
    monkeypatch.setattr(pusher, "CHECK_TIMEOUT_S", 0.2)
    python("exec tail -f /dev/null")

    with pytest.raises(PushFailed, match="it did not answer within"):
        pusher._serving_check("model", "examples", 3)


@pytest.mark.parametrize(
    ("limit", "measured"), [("max_p95_ms", "p95_ms"), ("max_size_mb", "size_mb")]
)
def test_a_model_over_a_limit_is_not_pushed(limit, measured):
    report = ServingReport(**{**REPORT, measured: 9.5})
    policy = PushPolicy(3, **{"max_p95_ms": None, "max_size_mb": None, limit: 9})

    with pytest.raises(PushFailed) as caught:
        pusher._require_within_limits(report, policy)

    assert str(caught.value) == (
        f"the model was not pushed: its {measured} is 9.5, push.{limit} allows 9"
    )


def test_a_model_at_its_limits_or_without_any_is_pushed():
    report = ServingReport(**{**REPORT, "p95_ms": 9.0, "size_mb": 9.0})
    at = PushPolicy(3, max_p95_ms=9, max_size_mb=9)
    none = PushPolicy(3, max_p95_ms=None, max_size_mb=None)

    assert pusher._require_within_limits(report, at) is None
    assert pusher._require_within_limits(report, none) is None


# The node


class Run:
    """Pusher's executor with artifacts on disk and a check that always passes."""

    def __init__(self, tmp_path, saved_model, serving) -> None:
        self.model = standard_artifacts.Model()
        self.model.uri = str(tmp_path / "trained")
        shutil.copytree(saved_model, tmp_path / "trained" / "Format-Serving")
        self.blessing = standard_artifacts.ModelBlessing()
        self.blessing.set_int_custom_property("blessed", 1)
        self.examples = standard_artifacts.Examples()
        self.examples.uri = str(tmp_path / "examples")
        self.examples.split_names = '["train", "test"]'
        self.examples.span = 7
        self.examples.set_int_custom_property("rows_written", 15_002)
        self.evaluation = standard_artifacts.ModelEvaluation()
        self.evaluation.uri = str(tmp_path / "evaluation")
        (tmp_path / "evaluation").mkdir()
        (tmp_path / "evaluation" / "metrics.json").write_text(
            '{"candidate": {"overall": {"auc": 0.95}}, "baseline": null}'
        )
        self.pushed = standard_artifacts.PushedModel()
        self.pushed.uri = str(tmp_path / "pushed")
        self.serving = serving
        self.registry = {
            "local": {"folder": str(serving), "name": "taxi", "seen_as": ""}
        }
        self.runs = tmp_path / "runs"
        (self.runs / "run-1").mkdir(parents=True)
        (self.runs / "run-1" / start.FILE).write_text('{"code": "commit 1a"}')

    def use_addresses(self) -> None:
        """Of everything, as on Vertex."""
        for artifact in (self.model, self.examples, self.evaluation, self.pushed):
            artifact.uri = f"file://{artifact.uri}"
        self.serving, self.runs = f"file://{self.serving}", f"file://{self.runs}"

    def again(self) -> standard_artifacts.PushedModel:
        """The next push has an artifact of its own."""
        self.pushed = standard_artifacts.PushedModel()
        self.pushed.uri = str(Path(self.serving).parent / "pushed-again")
        return self.pushed

    def do(self, withheld: str = "", promote: bool = True, **more: str) -> None:
        policy = {
            "check_rows": 3,
            "max_p95_ms": None,
            "max_size_mb": None,
            "promote": promote,
        }
        context = base_executor.BaseExecutor.Context(pipeline_run_id="run-1")
        pusher.Executor(context).Do(
            {
                "model": [self.model],
                "blessing": [self.blessing],
                "examples": [self.examples],
                "evaluation": [self.evaluation],
            },
            {"pushed_model": [self.pushed]},
            {
                "destination": str(self.serving),
                "policy": json.dumps(policy),
                "registry": json.dumps(
                    {**self.registry, "runs_folder": str(self.runs), "code": ""}
                ),
                "withheld": withheld,
                **more,
            },
        )


@pytest.fixture
def node(tmp_path, saved_model, serving, python):
    python(CHECK)
    return Run(tmp_path, saved_model, serving)


def test_a_blessed_model_is_pushed_and_kept_with_what_was_measured(node, serving):
    node.do()

    (version,) = versions(serving)
    assert node.pushed.get_int_custom_property("pushed") == 1
    assert node.pushed.get_string_custom_property("pushed_version") == version
    assert node.pushed.get_string_custom_property("pushed_destination") == str(
        serving / version
    )
    assert node.pushed.get_float_custom_property("p95_ms") == 2.0
    assert num_files(serving / version) == NUM_FILES + 1  # and the manifest


def test_the_artifact_and_the_version_are_the_same_bytes_with_one_manifest(
    node, serving, tmp_path
):
    node.do()

    (version,) = versions(serving)
    compared = filecmp.dircmp(tmp_path / "pushed", serving / version)
    content = (serving / version / manifest.FILE).read_bytes()
    assert compared.left_only + compared.right_only + compared.diff_files == []
    assert node.pushed.get_string_custom_property("manifest_sha256") == (
        hashlib.sha256(content).hexdigest()
    )
    assert json.loads(content) | {"files": None} == {
        "schema": "millrace-manifest-1",
        "run_id": "run-1",
        "code": "commit 1a",
        "span": "7",
        "data": "span 7, 15,002 rows",
        "metrics": {"auc": 0.95},
        "model_sha256": "0a1b",
        "missing_number": -9007199254740992,
        "files": None,
    }


def test_a_pushed_model_is_the_champion_at_once(node, serving):
    node.do()

    (version,) = versions(serving)
    served = pointer.read(serving, "taxi")
    assert (served.champion, served.candidate) == (version, "")
    assert node.pushed.get_int_custom_property("champion") == 1


def test_the_same_model_again_is_no_push_and_says_of_which_version(node, serving):
    node.do()
    before = (versions(serving), pointer.read(serving, "taxi"))
    again = node.again()

    node.do()

    assert (versions(serving), pointer.read(serving, "taxi")) == before
    ((version,), _) = before
    assert again.get_int_custom_property("pushed") == 0
    assert again.get_string_custom_property("same_as") == version
    assert again.get_string_custom_property("reason") == (
        f"the same files as version {version}, the champion"
    )
    assert again.get_string_custom_property("pushed_destination") == ""


def test_without_push_promote_it_waits_and_the_champion_stays(node, serving, python):
    node.do()
    (first,) = versions(serving)
    python(CHECK.replace("0a1b", "2c3d"))

    node.do(promote=False)

    _, second = versions(serving)
    served = pointer.read(serving, "taxi")
    assert (served.champion, served.candidate) == (first, second)
    assert node.pushed.get_int_custom_property("champion") == 0


def test_a_model_that_cannot_be_registered_leaves_nothing_and_what_serves_now(
    node, serving
):
    node.do()
    now = (serving / pointer.FILE).read_text()
    (first,) = versions(serving)
    (serving / journal.FILE).unlink()
    (serving / journal.FILE).mkdir()

    with pytest.raises(PushFailed, match=r"was not registered: .*moves\.jsonl"):
        node.do()

    assert (serving / pointer.FILE).read_text() == now
    assert versions(serving) == [first]


def test_a_bucket_has_no_pointer_and_the_model_is_pushed_all_the_same(node, serving):
    node.registry = {}
    node.use_addresses()

    node.do()

    assert [name for name in names(serving) if not name.isdigit()] == []
    assert len(versions(serving)) == 1


def test_what_was_pushed_is_on_record_file_by_file(node, serving):
    node.do()

    (version,) = versions(serving)
    recorded = json.loads(node.pushed.get_string_custom_property("content"))
    assert recorded == content.of_folder(str(serving / version))
    assert node.pushed.get_string_custom_property("content_sha256") == (
        content.digest(recorded)
    )


def test_a_refused_model_is_not_pushed_and_the_verdict_is_the_reason(node, serving):
    node.blessing.set_int_custom_property("blessed", 0)
    node.blessing.set_string_custom_property("verdict", "NOT_BLESSED")

    node.do()

    assert not serving.exists()
    assert node.pushed.get_int_custom_property("pushed") == 0
    assert node.pushed.get_string_custom_property("reason") == (
        "the Evaluator's verdict is NOT_BLESSED"
    )


def word(node, **changed) -> str:
    """A person's word for the node's model, as a job on Vertex brings it."""
    said = {"by": "ada", "reason": "three rows", "at": 1e9, "run": "run-0"}
    return json.dumps({**said, "model": node.model.uri, **changed})


def refuse(node) -> None:
    node.blessing.set_int_custom_property("blessed", 0)
    node.blessing.set_string_custom_property("verdict", "NOT_BLESSED")


def test_a_refused_model_is_pushed_by_a_persons_word_for_it(node, serving):
    refuse(node)
    said = word(node)

    node.do(override=said)

    (version,) = versions(serving)
    assert pointer.read(serving, "taxi").champion == version
    assert node.pushed.get_string_custom_property("overridden") == said
    [move] = LocalRegistry(str(serving), "taxi").moves()
    assert (move.action, move.actor, move.reason) == ("override", "ada", "three rows")


def test_the_word_for_another_model_pushes_nothing(node, serving):
    refuse(node)

    with pytest.raises(PushFailed, match="was not in the cache any more"):
        node.do(override=word(node, model="gs://b/another"))

    assert not serving.exists()


def test_a_word_for_a_blessed_model_is_not_needed_and_not_on_record(node, serving):
    node.do(override=word(node))

    assert len(versions(serving)) == 1
    assert node.pushed.get_string_custom_property("overridden") == ""


def test_a_withheld_model_is_not_pushed_by_anybodys_word(node, serving):
    refuse(node)

    node.do(override=word(node), withheld="a model of a sample is never pushed")

    assert not serving.exists()


def test_a_withheld_model_is_not_pushed_however_good_it_is(node, serving):
    node.do(withheld="a model of a sample is never pushed")

    assert not serving.exists()
    assert node.pushed.get_string_custom_property("reason") == (
        "a model of a sample is never pushed"
    )


def test_a_model_that_does_not_serve_leaves_what_serves_now(node, serving, python):
    node.do()
    now = names(serving)
    python("echo 'KeyError: table' >&2; exit 1")

    with pytest.raises(PushFailed, match="KeyError: table"):
        node.do()

    assert names(serving) == now
