"""What is recorded of the code and its surroundings, and what never is."""

from __future__ import annotations

import json
import subprocess

import pytest

from pipeline import recorded
from pipeline.code import version


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository of one file, committed."""
    monkeypatch.setattr(version, "ROOT", tmp_path)

    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    git("init", "--quiet")
    (tmp_path / "a.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    return tmp_path


def test_a_clean_tree_is_its_commit(tree):
    found = version.commit()

    assert len(found.commit) == 40
    assert (found.dirty, found.diff_digest) == (False, "")


def test_an_edit_and_a_new_file_are_each_another_difference(tree):
    (tree / "a.py").write_text("x = 2\n")
    edited = version.commit()
    (tree / "new.py").write_text("y = 1\n")
    added = version.commit()
    (tree / "new.py").write_text("y = 2\n")
    changed = version.commit()
    (tree / "new.py").write_text("y = 1\n")

    assert edited.dirty
    assert len({each.diff_digest for each in (edited, added, changed)}) == 3
    assert version.commit() == added


def test_an_ignored_file_is_no_difference(tree):
    (tree / ".git" / "info" / "exclude").write_text("output\n")
    (tree / "output").mkdir()
    (tree / "output" / "data").touch()

    assert not version.commit().dirty


def test_outside_of_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(version, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert version.commit() == version.Commit("")


def test_the_surroundings_name_versions_lock_and_trigger():
    found = version.surroundings("schedule nightly")

    assert found[recorded.RunKey.TRIGGER] == "schedule nightly"
    assert json.loads(found[recorded.RunKey.VERSIONS])["tfx"] == "1.21.0"
    assert len(found[recorded.RunKey.LOCK_DIGEST]) == 64


def test_no_secret_of_the_environment_is_recorded(monkeypatch):
    monkeypatch.setenv("TEAM_WEBHOOK", "https://hooks.example/s3cret-token")

    assert "s3cret-token" not in json.dumps(version.surroundings("hand"))
