"""Which function changed since a run."""

from __future__ import annotations

import pytest

from pipeline.code import parts, source

BEFORE = "def f():\n    return 1\n\n\ndef g():\n    return 1\n"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    file = tmp_path / "fit.py"
    file.write_text(BEFORE)
    return file


def test_the_changed_and_the_new_functions_are_named(tmp_path, file):
    digest = source.read(file).digest
    parts.keep(str(tmp_path / "output"), {"fit.py": digest, "requirements.lock": "1"})

    file.write_text(BEFORE.replace("1", "2", 1) + "\n\ndef h():\n    return 1\n")

    assert parts.changed(str(tmp_path / "output"), "fit.py", digest) == ["f()", "h()"]


def test_what_was_not_kept_is_not_guessed(tmp_path, file):
    assert parts.changed(str(tmp_path / "output"), "fit.py", "0" * 16) == []
    assert parts.changed(str(tmp_path / "output"), "fit.py", None) == []


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path, file):
    (tmp_path / "output").write_text("a file")

    parts.keep(str(tmp_path / "output"), {"fit.py": "1"})

    assert parts.changed(str(tmp_path / "output"), "fit.py", "1") == []


def test_what_a_crash_left_of_it_is_written_again(tmp_path, file):
    digest = source.read(file).digest
    parts.keep(str(tmp_path / "output"), {"fit.py": digest})
    [kept] = (tmp_path / "output" / parts.FOLDER).iterdir()
    whole = kept.read_text()
    kept.write_text("")

    parts.keep(str(tmp_path / "output"), {"fit.py": digest})

    assert kept.read_text() == whole
