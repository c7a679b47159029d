"""A signed statement: what makes it good, and each thing that makes it bad."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from pipeline.config import config
from pipeline.errors import UsageError
from pipeline.exports import checking, signing, statement
from pipeline.lineage import answers

PUBLISHED = json.loads((config.ROOT / "docs/lineage.schema.json").read_text())


def check(subject, file: Path, key: Path | str, copy: str | None = None):
    """State of each line, and the whole answer."""
    nothing = {"intact": True, "checked": 0, "not_intact": 0, "rows": []}
    answer = checking.extended(
        answers.Answer("verify", "trips", nothing), subject, str(file), str(key), copy
    )
    jsonschema.Draft202012Validator(PUBLISHED).validate(answer.to_dict())
    return [row["state"] for row in answer.value["rows"]], answer


def test_a_good_one_is_intact_against_key_record_and_bytes(
    exported, pushed, signed, keys
):
    states, answer = check(exported(str(pushed)), signed, keys / "own.pub")

    assert states == ["intact", "intact", "intact"]
    assert answer.good
    assert answer.value["checked"] == 3


def test_the_same_model_and_key_give_the_same_bytes(exported, pushed, signed, keys):
    again = signing.signed(exported(str(pushed)), f"file:{keys / 'own.pem'}")

    assert again == signed.read_text()


def test_it_is_about_every_file_and_the_manifest_and_names_what_it_was_made_of(
    exported, pushed
):
    subject = exported(str(pushed))

    said = statement.statement(subject)

    names = [each["name"] for each in said["subject"]]
    made_of = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert names == ["assets.extra/millrace.json", "saved_model.pb"]
    assert [each.get("name") or each["uri"].rpartition("@")[0] for each in made_of] == [
        "git+file://",
        "requirements/main.lock",
        "schema",
        "",
    ]
    assert made_of[-1]["uri"] == "file:///data/in/file-0.csv"
    assert said["predicate"]["runDetails"]["metadata"] == {
        "invocationId": "run-00001",
        "startedOn": "1970-01-01T00:16:40.000Z",
        "finishedOn": "1970-01-01T00:17:10.000Z",
    }


def test_another_key_is_told_with_both_names(exported, pushed, signed, keys):
    states, answer = check(exported(str(pushed)), signed, keys / "other.pub")

    assert states == ["wrong key"]
    assert "signed by" in answer.value["rows"][0]["detail"]
    assert not answer.good


def test_another_signer_under_the_same_name_is_found_out(
    exported, pushed, signed, keys
):
    """The name of a key in an envelope is a hint, and proves nothing."""
    forged = json.loads(
        signing.signed(exported(str(pushed)), f"file:{keys / 'other.pem'}")
    )
    own = json.loads(signed.read_text())
    forged["signatures"][0]["keyid"] = own["signatures"][0]["keyid"]
    signed.write_text(json.dumps(forged))

    states, _ = check(exported(str(pushed)), signed, keys / "own.pub")

    assert states == ["changed"]


def test_a_changed_statement_is_told(exported, pushed, signed, keys):
    envelope = json.loads(signed.read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b"run-00001", b"run-00002")
    envelope["payload"] = base64.b64encode(payload).decode()
    signed.write_text(json.dumps(envelope))

    states, answer = check(exported(str(pushed)), signed, keys / "own.pub")

    assert states == ["changed"]
    assert "not the one that was signed" in answer.value["rows"][0]["detail"]


def test_another_models_statement_names_both_runs(exported, pushed, signed, keys):
    states, answer = check(exported("/serving/trips/2"), signed, keys / "own.pub")

    assert states == ["intact", "another model's"]
    detail = answer.value["rows"][1]["detail"]
    assert "run-00001" in detail
    assert "run-00002" in detail
    assert not answer.good


@pytest.mark.parametrize("name", ["saved_model.pb", "assets.extra/millrace.json"])
def test_a_changed_byte_is_told_with_its_file(exported, pushed, signed, keys, name):
    content = (pushed / name).read_bytes()
    (pushed / name).write_bytes(b"X" + content[1:])

    states, answer = check(exported(str(pushed)), signed, keys / "own.pub")

    assert states == ["intact", "intact", "changed"]
    assert answer.value["rows"][2]["path"] == str(pushed / name)
    assert not answer.good


def test_a_missing_file_is_told(exported, pushed, signed, keys):
    (pushed / "saved_model.pb").unlink()

    states, _ = check(exported("1"), signed, keys / "own.pub")

    assert states == ["intact", "intact", "missing"]


def test_a_copy_is_held_against_the_statement_itself(
    exported, pushed, signed, keys, tmp_path
):
    copy = tmp_path / "copy"
    shutil.copytree(pushed, copy)
    (copy / "saved_model.pb").write_bytes(b"other")

    states, _ = check(exported(str(pushed)), signed, keys / "own.pub", str(copy))

    assert states[-1] == "changed"


def test_a_record_that_was_rewritten_is_told(exported, pushed, signed, keys, record):
    record("Schema", "schema_digest", "0" * 64)

    states, answer = check(exported(str(pushed)), signed, keys / "own.pub")

    assert states == ["intact", "changed", "intact"]
    assert "otherwise of schema" in answer.value["rows"][1]["detail"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"payload": 1}', "no JSON"])
def test_what_is_no_envelope_is_refused(exported, pushed, keys, tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)

    with pytest.raises(UsageError, match="not a DSSE envelope"):
        check(exported(str(pushed)), file, keys / "own.pub")


def test_keys_that_are_none_are_refused_and_never_shown(
    exported, pushed, keys, write_key, monkeypatch
):
    subject = exported(str(pushed))
    private = (keys / "own.pem").read_text()
    write_key(keys / "rsa.pem", rsa.generate_private_key(65537, 2048))
    monkeypatch.setenv("BROKEN", private.replace("PRIVATE", "SECRET"))

    for reference, words in (
        (private, "never the key"),
        ("env:BROKEN", "not an ed25519 private key"),
        (f"file:{keys / 'rsa.pem'}", "not an ed25519 private key"),
        (f"file:{keys / 'own.pub'}", "not an ed25519 private key"),
        ("env:NOWHERE", "not set"),
    ):
        with pytest.raises(UsageError, match=words) as told:
            signing.signed(subject, reference)
        assert private.splitlines()[1] not in str(told.value)


@pytest.mark.parametrize("name", ["own.pem", "signature.json"])
def test_a_public_key_that_is_none_is_refused(exported, pushed, signed, keys, name):
    with pytest.raises(UsageError, match="not an ed25519 public key"):
        check(exported(str(pushed)), signed, keys / name)


def test_the_public_key_may_be_a_reference(exported, pushed, signed, keys, monkeypatch):
    monkeypatch.setenv("PUBLIC", (keys / "own.pub").read_text())

    states, _ = check(exported(str(pushed)), signed, "env:PUBLIC")

    assert states == ["intact"] * 3


def test_only_a_pushed_model_can_be_signed(exported, keys):
    with pytest.raises(UsageError, match="was not pushed"):
        signing.signed(exported("run-00003"), f"file:{keys / 'own.pem'}")
