"""export, sign and verify --signature, as a user types them."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from pipeline import exports


@pytest.fixture
def ask(store_file, capsys, monkeypatch):
    """Asks in this process; gives code, stdout and stderr."""
    from pipeline.commands import console, lineage

    def run(*words: str) -> tuple[int, str, str]:
        arguments = ["lineage", *words, "--store", str(store_file)]
        monkeypatch.setattr(sys, "argv", arguments)
        code = console.run(lineage.lineage_app("local"))
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


@pytest.mark.parametrize("form", exports.FORMATS)
def test_every_format_is_the_same_on_stdout_and_in_a_file(ask, form, tmp_path):
    file = tmp_path / "out"

    code, out, err = ask("export", "/serving/trips/1", "--format", form)
    again = ask("export", "/serving/trips/1", "--format", form, "--output", str(file))

    assert (code, err) == (0, "")
    assert again == (0, "", f"wrote {file}\n")
    assert file.read_text(encoding="utf-8") == out


def test_an_unknown_format_is_refused_with_the_known_ones(ask):
    code, out, err = ask("export", "1", "--format", "xml")

    assert (code, out) == (2, "")
    assert "openlineage, prov, card, card-json, bom" in err


@pytest.mark.parametrize(
    "command", [("export", "--format", "prov"), ("sign", "--key", "env:K")]
)
def test_an_unknown_model_is_told_with_candidates(ask, command):
    code, _, err = ask(*command, "nothing")

    assert code == 2
    assert "/serving/trips/1" in err


def test_a_file_that_cannot_be_written_is_told(ask, tmp_path):
    code, _, err = ask(
        "export", "1", "--format", "prov", "--output", str(tmp_path / "no" / "file")
    )

    assert code == 2
    assert "cannot be written" in err


@pytest.mark.parametrize(
    "words",
    [
        ("1", "--signature", "x"),
        ("1", "--public-key", "x"),
        ("--all", "--signature", "x", "--public-key", "y"),
    ],
)
def test_a_signature_goes_with_a_key_and_one_model(ask, words):
    code, _, err = ask("verify", *words)

    assert code == 2
    assert "go together" in err


def test_a_copy_that_changed_is_found_by_its_signature(
    ask, signed, pushed, keys, tmp_path
):
    """By the bytes of the copy that was named; the pushed ones are as they were."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(pushed, copy)
    words = ("--signature", str(signed), "--public-key", str(keys / "own.pub"))
    before = stated(ask("verify", str(copy), *words, "--output", "json"))
    note = copy / "assets.extra" / "millrace.json"
    note.write_bytes(note.read_bytes() + b" ")

    after = stated(ask("verify", str(copy), *words, "--output", "json"))

    assert before == [("intact", str(copy))]
    assert after == [("changed", str(note))]


def stated(answer: tuple[int, str, str]) -> list[tuple[str, str]]:
    rows = json.loads(answer[1])["answer"]["rows"]
    return [(r["state"], r["path"]) for r in rows if r["what"] == "stated file"]
