"""A refused model, a person who pushes it, and everything that must say so after it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import make_clone

WHO = ("--by", "ada", "--reason", "the slice is <b>three</b> rows")
SAID = ": the slice is <b>three</b> rows"
TOO_HIGH = ("--set", "evaluation.thresholds.auc.min=1.5", "--set", "training.seed=7")


class Root:
    """A clone with a run that pushed, and one whose model was refused."""

    def __init__(self, clone) -> None:
        self.clone = clone
        ran = clone.run()
        assert ran.code == 0, ran.stdout + ran.stderr
        self.blessed = ran.summary
        ran = clone.run("run", *TOO_HIGH)
        assert ran.code == 4, ran.stdout + ran.stderr
        self.refused, self.folder = ran.summary, ran.folder

    @property
    def run_id(self) -> str:
        return self.refused["run_id"]

    def override(self, *words: str):
        return self.clone.run("gate", "override", self.run_id, *WHO, *words)

    def ask(self, *question: str) -> dict:
        done = self.clone.run("lineage", *question, "--output", "json")
        assert done.code == 0, done.stderr
        return json.loads(done.stdout)["answer"]

    def export(self, model: str, form: str) -> str:
        done = self.clone.run("lineage", "export", model, "--format", form)
        assert done.code == 0, done.stderr
        return done.stdout

    def versions(self) -> list[str]:
        serving = self.clone.output / "serving" / "penguins"
        return sorted(path.name for path in serving.glob("[0-9]*"))


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Root:
    return Root(make_clone(tmp_path_factory.mktemp("override")))


def test_dry_run_and_no_yes_show_the_failing_checks_and_push_nothing(root):
    for words, code in ((("--dry-run",), 0), ((), 2)):
        done = root.override(*words)

        assert done.code == code, done.stderr
        assert "auc (overall) is " in done.stderr
        assert "needs >= 1.5" in done.stderr
        assert len(root.versions()) == 1


def test_killed_before_it_pushed_it_is_an_orphan_that_is_ended_and_pushes_nothing(root):
    """In the serving check: it is the one child that the command starts."""
    process = root.clone.start("gate", "override", root.run_id, *WHO, "--yes")
    for line in process.stdout:
        if line.startswith("by "):
            break
    while not (children := _children(process.pid)) and process.poll() is None:
        pass
    process.kill()
    process.wait()
    for child in children:
        os.kill(child, signal.SIGKILL)
    [row] = root.ask("orphans")["executions_without_a_process"]

    mended = root.clone.run("lineage", "orphans", "--fix", "--yes")

    assert (row["node"], row["process"]) == ("GateOverride", "gone")
    assert mended.code == 0, mended.stderr
    assert "its override was cut off; nothing was pushed" in mended.stderr
    assert root.ask("orphans")["executions_without_a_process"] == []
    assert len(root.versions()) == 1
    [attempt] = root.ask("why", root.run_id)["overrides"]
    assert attempt["state"] == "FAILED"


def _children(pid: int) -> list[int]:
    """Its processes that check what is served."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        found = [int(word) for word in tasks.read_text().split()]
        return [
            child
            for child in found
            if b"serving.check" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    except OSError:
        return []


def test_the_override_serves_the_model_and_a_second_one_is_refused(root):
    done = root.override("--yes")
    again = root.override("--yes")

    assert done.code == 0, done.stderr
    version = done.stdout.strip()
    assert (Path(version) / "saved_model.pb").is_file()
    assert (
        f"versions: {Path(version).name} "
        in (root.clone.output / "serving/penguins/models.config").read_text()
    )
    assert again.code == 2
    assert "was overridden already by ada on 20" in again.stderr


@pytest.mark.parametrize(
    ("question", "path"),
    [
        (("trace", "VERSION"), ("model",)),
        (("trace", "VERSION"), ("run",)),
        (("trace", "MODEL"), ("pushed", 0)),
        (("why", "RUN"), ()),
        (("why", "RUN"), ("overrides", 1)),
        (("show", "RUN"), ()),
        (("show", "RUN"), ("pushed", 0)),
        (("runs",), ("runs", 0)),
        (("champion",), ("champion",)),
        (("impact", "penguins.csv"), ("models", 1, "pushed", 0)),
        (("diff", "BLESSED", "VERSION"), ("b",)),
    ],
    ids=lambda value: ".".join(map(str, value)),
)
def test_every_answer_says_who_and_why(root, question, path):
    version = root.versions()[-1]
    inputs = root.ask("impact", "penguins.csv")["models"]
    names = {"VERSION": version, "RUN": root.run_id, "BLESSED": root.versions()[0]}
    names["MODEL"] = inputs[1]["artifact"]

    found = root.ask(*(names.get(word, word) for word in question))

    for step in path:
        found = found[step]
    assert found["overridden"].startswith("by ada on 20")
    assert found["overridden"].endswith(SAID)


def test_timeline_history_and_lists_say_it(root):
    version = root.versions()[-1]
    runner = root.clone.run

    last = root.ask("timeline")["events"][-1]
    history = json.loads(runner("model", "history", "--output", "json").stdout)
    shown = runner("model", "show", version).stdout
    listed = runner("runs").stdout
    impact = runner("lineage", "impact", "penguins.csv").stdout

    assert last["what"] == "overridden"
    assert last["detail"].endswith(SAID)
    assert history["moves"][0]["action"] == "override"
    assert history["moves"][0]["reason"] == WHO[3]
    assert "and pushed all the same by ada on 20" in shown
    assert "overridden" in listed
    assert f"{version} (overridden by ada on 20" in impact


@pytest.mark.parametrize("form", ["openlineage", "prov", "card", "card-json", "bom"])
def test_every_export_says_it(root, form):
    text = root.export(root.versions()[-1], form)

    assert "by ada on 20" in text
    assert "<b>three</b>" not in text or form != "card"


def test_the_run_page_has_it_on_top_and_compare_beside(root):
    page = (root.folder / "report.html").read_text()
    table = root.clone.run("compare", root.blessed["run_id"], root.run_id)
    verdict = page[page.index('class="verdict') : page.index("<dl")]

    assert "NOT_BLESSED at Evaluator, overridden" in verdict
    assert "The model was refused, and pushed all the same by ada on 20" in verdict
    assert "&lt;b&gt;three&lt;/b&gt;" in verdict
    assert "overridden" in table.stdout


def test_the_next_run_is_judged_as_before_and_leaves_the_champion(root):
    champion = root.versions()[-1]

    ran = root.clone.run("run", *TOO_HIGH)

    assert ran.code == 4, ran.stdout
    assert root.ask("champion")["champion"]["version"] == champion
    assert "overridden" not in ran.summary


def test_gc_keeps_it_and_the_one_to_roll_back_to(root):
    before = root.versions()

    done = root.clone.run("gc", "--keep-last", "0", "--yes")

    assert done.code == 0, done.stderr
    assert root.versions() == before
    verified = root.clone.run("lineage", "verify", "--all")
    assert verified.code == 0, verified.stdout
    for words in (
        ("report", root.run_id),
        ("compare", root.blessed["run_id"], root.run_id),
    ):
        assert root.clone.run(*words).code == 0
    back = root.clone.run("model", "rollback", "--reason", "enough", "--yes")
    assert back.code == 0, back.stdout + back.stderr


def test_a_run_that_is_killed_is_an_orphan_and_a_living_one_is_not(root):
    process = root.clone.start("run", "--set", "training.train_steps=100000000")
    for line in process.stdout:
        if line.startswith("Transform"):
            break
    while (open_ := root.ask("show", "latest")["steps"][-1])["state"] != "RUNNING":
        pass
    living = root.ask("orphans")["executions_without_a_process"]
    process.kill()
    process.communicate()

    [row] = root.ask("orphans")["executions_without_a_process"]
    mended = root.clone.run("lineage", "orphans", "--fix", "--yes")

    assert living == []
    assert (row["execution"], row["process"]) == (open_["execution"], "gone")
    assert mended.code == 0, mended.stderr
    assert root.ask("show", "latest")["steps"][-1]["state"] == "FAILED"
