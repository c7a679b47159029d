"""How both command lines end."""

from __future__ import annotations

import re

import pytest
import typer

from pipeline import errors
from pipeline.commands import console
from pipeline.runs.outcome import Outcome


def app_that(ends_with: BaseException | None) -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def only() -> None:
        if ends_with:
            raise ends_with

    return app


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch):
    monkeypatch.setattr("sys.argv", ["millrace"])


@pytest.mark.parametrize("code", [0, 3, 4, 5, 130])
def test_the_code_of_a_run_is_the_code_of_the_process(code):
    assert console.run(app_that(typer.Exit(code))) == code


def test_an_end_without_a_word_is_success():
    assert console.run(app_that(None)) == 0


def test_an_end_with_a_text_is_a_failure_as_python_has_it(capsys):
    assert console.run(app_that(SystemExit("no rows"))) == 1
    assert "no rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    "kind", [errors.UsageError, errors.ConfigError, errors.BusyError]
)
def test_a_users_mistake_is_told_on_stderr_with_exit_2(kind, capsys):
    code = console.run(app_that(kind("data.path: [no] folder")))

    seen = capsys.readouterr()
    assert code == 2
    assert (seen.out, seen.err) == ("", "error: data.path: [no] folder\n")


def test_refused_data_end_with_the_code_of_a_run_that_refuses_them(capsys):
    assert console.run(app_that(errors.DataRefused("no column fare"))) == 3


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        console.run(app_that(ZeroDivisionError()))


@pytest.mark.parametrize(
    ("kind", "code"), [(errors.CloudError, 2), (errors.CloudUnavailable, 75)]
)
def test_a_service_that_is_busy_ends_with_try_again(kind, code, capsys):
    assert console.run(app_that(kind("find the job: no"))) == code
    assert capsys.readouterr().err == "error: find the job: no\n"


def test_every_code_is_in_the_one_table_of_the_documents(repository):
    text = (repository / "docs" / "commands.md").read_text(encoding="utf-8")
    _, _, table = text.partition("## Exit codes")
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}

    ends = [errors.UsageError, errors.Declined, errors.CloudUnavailable]
    codes = {console.run(app_that(kind("words"))) for kind in ends}
    assert told == codes | {outcome.value for outcome in Outcome}
