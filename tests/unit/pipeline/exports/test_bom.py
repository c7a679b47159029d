"""A bill of materials that CycloneDX's own strict validator accepts."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
from contextlib import closing

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pipeline.errors import UsageError
from pipeline.exports import bom, lock

LOCK = f"""\
absl-py==1.4.0 \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
Uvicorn[standard]==0.30.1 ; python_version < "3.12" \\
    --hash=sha256:{"c" * 64}
    # via something
"""


@pytest.fixture
def locked(tmp_path, store_file):
    """A lock that is the one on record."""
    path = tmp_path / "main.lock"
    path.write_text(LOCK, encoding="utf-8")
    digest = hashlib.sha256(LOCK.encode()).hexdigest()
    with closing(sqlite3.connect(store_file)) as db, db:
        db.execute(
            "update ContextProperty set string_value = ? where name = 'lock_digest'",
            (digest,),
        )
    return path


def test_it_is_valid_strictly_and_holds_model_files_data_and_libraries(
    exported, locked
):
    subject = exported("/serving/trips/2")

    text = bom.text(subject, locked)

    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    found = json.loads(text)
    model = found["metadata"]["component"]
    [file] = model["components"]
    assert model["type"] == "machine-learning-model"
    assert file["hashes"] == [
        {"alg": "SHA-256", "content": subject.files["saved_model.pb"]["sha256"]}
    ]
    assert {c["type"] for c in found["components"]} == {"data", "library"}
    purls = [c["purl"] for c in found["components"] if "purl" in c]
    assert purls == ["pkg:pypi/absl-py@1.4.0", "pkg:pypi/uvicorn@0.30.1"]
    [metric] = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metric == {"type": "auc", "value": "0.9", "slice": "overall"}
    assert found["compositions"][0]["aggregate"] == "incomplete"


def test_number_and_time_are_those_of_the_record(exported, locked):
    first = bom.text(exported("/serving/trips/1"), locked)
    again = bom.text(exported("/serving/trips/1"), locked)
    other = bom.text(exported("/serving/trips/2"), locked)

    assert first == again
    assert json.loads(first)["serialNumber"] != json.loads(other)["serialNumber"]
    assert json.loads(first)["metadata"]["timestamp"].startswith("1970-01-01T00:16:40")


def test_a_lock_that_is_not_the_recorded_one_is_not_taken_for_it(exported, locked):
    locked.write_text(LOCK.replace("1.4.0", "1.4.1"), encoding="utf-8")

    found = json.loads(bom.text(exported("/serving/trips/1"), locked))

    assert [c for c in found["components"] if c["type"] == "library"] == []
    assert found["compositions"][0]["aggregate"] == "unknown"


def test_a_model_without_files_has_none(exported):
    with pytest.raises(UsageError, match="was not pushed"):
        bom.text(exported("run-00003"))


def test_a_lock_is_read_with_extras_and_markers():
    assert lock.libraries(LOCK) == [
        lock.Library("absl-py", "1.4.0", ("a" * 64, "b" * 64)),
        lock.Library("uvicorn", "0.30.1", ("c" * 64,)),
    ]


def test_the_lock_of_the_recorded_commit_is_found_in_git(tmp_path):
    def git(*words: str) -> str:
        own = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *own, *words],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    path = tmp_path / "main.lock"
    path.write_text(LOCK, encoding="utf-8")
    git("init", "--quiet")
    git("add", "main.lock")
    git("commit", "--quiet", "-m", "lock")
    path.write_text("newer==1.0", encoding="utf-8")
    digest = hashlib.sha256(LOCK.encode()).hexdigest()

    assert lock.recorded(path, digest, git("rev-parse", "HEAD")) == LOCK
    assert lock.recorded(path, digest, "0" * 40) is None
    assert lock.recorded(path, digest, "") is None
