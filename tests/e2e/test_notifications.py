"""Real runs and a real mail server: the right mails, and no secret anywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest

from tests.e2e.conftest import make_clone
from tests.fakes import mail

HOOK = "t0kenOfTheH00k"
KEY = "whsec_c2lnbmluZy1rZXktb2YtdGhlLWhvb2s="
SECRETS = (mail.PASSWORD, HOOK, KEY)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    """A mail server with STARTTLS and a login, whose certificate the runs trust."""
    file, context = mail.certificate(tmp_path_factory.mktemp("ca"))
    with (
        mail.serving(context, "starttls") as inbox,
        pytest.MonkeyPatch.context() as env,
    ):
        env.setenv("SSL_CERT_FILE", str(file))
        env.setenv(
            "TEAM_MAIL",
            f"mailtos://{mail.USER}:{mail.PASSWORD}@127.0.0.1:{inbox.port}"
            "?mode=starttls",
        )
        # Nobody listens there: what is for this channel waits in the outbox.
        env.setenv("TEAM_HOOK", f"http://127.0.0.1:9/{HOOK}")
        env.setenv("TEAM_KEY", KEY)
        yield inbox


@pytest.fixture(scope="module")
def clone(tmp_path_factory, inbox):
    """A clone with two channels beside the log and the file."""
    made = make_clone(tmp_path_factory.mktemp("notifications"))
    with (made.root / "configs/penguins/penguins.yaml").open("a") as file:
        file.write(
            """
notifications:
  channels:
    team:
      kind: email
      server: env:TEAM_MAIL
      sender: millrace@example.com
      to: [team@example.com]
      events: [failed, data_refused, not_blessed, pushed, recovered]
    hook: {kind: webhook, url: env:TEAM_HOOK, key: env:TEAM_KEY, attempts: 1}
"""
        )
    return made


@pytest.fixture(scope="module")
def week(clone, inbox):
    """Three runs: pushed, data refused, Trainer raises; then again as the first."""
    ran = [clone.run()]
    good = clone.data.read_bytes()
    clone.data.write_bytes(good.replace(b",male,", b",unknown,", 1))
    ran.append(clone.run())
    clone.data.write_bytes(good)
    code = clone.root / "trainer/fit.py"
    source = code.read_text()
    code.write_text(
        source.replace("    model.compile(", "    1 / 0\n    model.compile(")
    )
    ran.append(clone.run())
    code.write_text(source)
    ran.append(clone.run())
    return ran


def test_exactly_the_right_mails_arrive(week, inbox):
    assert [run.code for run in week] == [0, 3, 1, 0]
    [pushed] = (week[0].output / "serving/penguins").glob("[0-9]*")
    assert [arrived["Subject"] for arrived in inbox.mails] == [
        f"[penguins] SUCCEEDED: pushed version {pushed.name}",
        (
            "[penguins] DATA_REFUSED at SchemaValidator: the data does not fit the "
            "curated schema (1 anomaly): feature 'sex', spli..."
        ),
        "[penguins] FAILED at Trainer: ZeroDivisionError: division by zero",
        "[penguins] SUCCEEDED: recovered after 2 failures",
    ]
    assert inbox.recipients == [["team@example.com"]] * 4
    assert all(inbox.secured)


def test_a_mail_says_what_ran_what_happened_and_what_to_do(week, inbox):
    refused = inbox.mails[1].get_body(("plain",)).get_content().replace("\r\n", "\n")

    assert f"run       {_id(week[1])}\n" in refused
    assert "344 rows" in refused
    assert "feature 'sex', split '" in refused
    assert "schema diff" in refused
    assert f"{_id(week[1])}/report.html" in refused
    assert "report.html" in inbox.mails[2].get_body(("html",)).get_content()


def test_the_same_words_lie_in_the_runs_folder(week, inbox):
    for run, arrived in zip(week, inbox.mails, strict=True):
        folder = run.output / "runs" / _id(run)
        text = (folder / "message.txt").read_text(encoding="utf-8")
        assert f"[penguins] {text}".startswith(arrived["Subject"].removesuffix("..."))
        event = json.loads((folder / "event.json").read_text(encoding="utf-8"))
        assert event["data"]["millrace"]["message"]["text"] == text


def test_mlmd_says_who_was_told(week):
    database = sqlite3.connect(week[0].output / "metadata.sqlite")
    told = dict(
        database.execute(
            "select c.name, p.string_value from ContextProperty p join Context c "
            "on p.context_id = c.id where p.name = 'told'"
        )
    )
    [names] = database.execute(
        "select p.string_value from ArtifactProperty p where p.name = 'channels'"
    ).fetchone()

    assert sorted(names.split(",")) == ["file", "log", "team"]
    for run in week:
        deliveries = json.loads(told[_id(run)])
        assert {each["channel"] for each in deliveries} >= {"team", "log"}


def test_what_could_not_be_sent_waits_is_shown_and_goes_out_once(
    week, clone, httpserver, monkeypatch
):
    assert "hook waiting: ConnectionError" in week[1].stdout
    assert "to send what waits: " in week[1].stdout
    httpserver.expect_request(f"/{HOOK}", method="POST").respond_with_data("")
    monkeypatch.setenv("TEAM_HOOK", f"http://127.0.0.1:{httpserver.port}/{HOOK}")

    first = clone.run("notify", "flush")
    second = clone.run("notify", "flush")

    assert (first.code, first.stdout) == (0, "hook sent\n" * 3)
    assert (second.code, second.stdout) == (0, "nothing waits\n")
    sent = [request.get_json() for request, _ in httpserver.log]
    assert [event["data"]["millrace"]["outcome"] for event in sent] == [
        "DATA_REFUSED",
        "FAILED",
        "SUCCEEDED",
    ]
    assert all(request.headers["webhook-signature"] for request, _ in httpserver.log)


def test_a_run_that_never_came_is_noticed_from_mlmd(week, clone, inbox, monkeypatch):
    before = len(inbox.mails)

    in_time = clone.run("watch", "--expect-every", "1d")
    monkeypatch.setenv("TEAM_HOOK", "json://x")
    database = sqlite3.connect(clone.output / "metadata.sqlite")
    with database:
        database.execute(
            "update ContextProperty set string_value = '1000000000.0' "
            "where name = 'ended'"
        )
    late = clone.run(
        *("watch", "--expect-every", "1d"),
        *("--set", "notifications.channels.team.events=[overdue]"),
    )

    assert (in_time.code, late.code) == (0, 1)
    assert in_time.stdout == "penguins: a run succeeded within 1d\n"
    assert "OVERDUE: the last success is " in late.stdout
    [arrived] = inbox.mails[before:]
    assert arrived["Subject"].startswith("[penguins] OVERDUE: the last success is ")


def test_notify_test_shows_the_exact_message_or_sends_it(clone, inbox):
    before = len(inbox.mails)

    shown = clone.run("notify", "test", "team", "--dry-run")
    assert len(inbox.mails) == before
    sent = clone.run("notify", "test", "team")
    unknown = clone.run("notify", "test", "tema")

    assert (shown.code, sent.code, unknown.code) == (0, 0, 2)
    assert "to: team (email): team@example.com through env:TEAM_MAIL\n" in shown.stdout
    assert sent.stdout == "team: sent\n"
    [arrived] = inbox.mails[before:]
    assert f"subject: {arrived['Subject']}\n" in shown.stdout
    assert (
        "'tema' is not a channel here. Known: file, hook, log, team" in unknown.stderr
    )


def test_a_secret_lands_nowhere(week, clone):
    """MLMD, logs, messages, outbox, caches, the terminal, the compiled job, config."""
    job = subprocess.run(
        [
            *(sys.executable, "vertex_runner.py", "compile"),
            *("--config", "configs/penguins/penguins.yaml"),
            *("--output", str(clone.output / "job.json")),
        ],
        cwd=clone.root,
        capture_output=True,
        text=True,
        check=False,
    )
    # Its channels are references to this machine, which no container could follow.
    assert job.returncode == 2
    shown = clone.run("config", "show", "--origin")
    texts = [run.stdout + run.stderr for run in (*week, shown)]
    texts += [job.stdout, job.stderr]
    found = {secret for secret in SECRETS for text in texts if secret in text}
    files = [path for path in clone.output.rglob("*") if path.is_file()]
    found |= {
        f"{secret} in {path}"
        for path in files
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    }

    assert found == set()
    assert "env:TEAM_MAIL" in shown.stdout
    assert len(files) > 50


def test_ctrl_c_is_told_too(clone, inbox):
    before = len(inbox.mails)
    output = clone.output.parent / "interrupted"
    started = subprocess.Popen(
        [
            *(sys.executable, "-u", "local_runner.py", "run"),
            *("--config", "configs/penguins/penguins.yaml"),
            *("--set", f"output_root={output}"),
        ],
        cwd=clone.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in started.stdout:
        if line.startswith("Transform"):
            started.terminate()
            break
    started.communicate(timeout=120)

    assert started.returncode == 130
    [arrived] = inbox.mails[before:]
    assert re.match(r"\[penguins\] CANCELLED( at \w+)?: interr", arrived["Subject"])


def test_a_full_disk_does_not_change_the_runs_result(clone, tmp_path):
    """The outbox is where the disk is full: the run stands, and says what was lost."""
    site = tmp_path / "sitecustomize.py"
    site.write_text(
        "import errno, pathlib\n"
        "opened = pathlib.Path.open\n"
        "def full(self, mode='r', *rest, **options):\n"
        "    if 'outbox' in self.parts and mode != 'r':\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    return opened(self, mode, *rest, **options)\n"
        "pathlib.Path.open = full\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    output = tmp_path / "output"
    shutil.copytree(clone.output, output)
    done = subprocess.run(
        [
            *(sys.executable, "local_runner.py", "run", "--force"),
            *("--config", "configs/penguins/penguins.yaml"),
            *("--set", f"output_root={output}"),
            *("--set", "notifications.channels.hook.events=[succeeded]"),
        ],
        cwd=clone.root,
        capture_output=True,
        text=True,
        env=environment,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCEEDED in" in done.stdout
    assert (
        "hook lost: ConnectionError; and the outbox cannot be written: "
        "No space left on device"
    ) in done.stdout


def _id(run) -> str:
    """Of that run; `Ran.folder` is always the newest."""
    return re.search(r"^run (\S+)$", run.stdout, re.MULTILINE)[1]
