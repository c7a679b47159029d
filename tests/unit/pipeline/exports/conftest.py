"""Stores with pushed models whose files really lie on the disk."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from pipeline import content
from pipeline.exports import signing, subject
from pipeline.metadata import connections, sql
from pipeline.recorded import Payload, Pushed
from pipeline.registry import manifest
from pipeline.registry.versions import Origin
from tests import histories
from tests.histories import Spec

PEM = serialization.Encoding.PEM

HISTORY = (
    Spec(at=1_000.0),
    Spec(files=(0, 1), code=1, dirty=True, at=2_000.0),
    Spec(good=False, code=2, at=3_000.0),
    Spec(ends_at="Notifier", code=3, at=4_000.0),
    Spec(ends_at="Notifier", cut_off=True, code=4, at=5_000.0),
)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history once: MLMD takes long to make a store."""
    path = tmp_path_factory.mktemp("exports") / "metadata.sqlite"
    histories.write(histories.open_store(str(path)), HISTORY)
    histories.set_times(str(path), HISTORY)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(_CANDIDATES)
    return path


# A blessing names its candidate, as the Evaluator writes it.
_CANDIDATES = """
insert into ArtifactProperty (artifact_id, name, is_custom_property, string_value)
select b.id, 'current_model_id', 1, cast(m.id as text) from Artifact b, Artifact m
where b.uri like '%/Evaluator/blessing/%'
and m.uri = replace(b.uri, 'Evaluator/blessing', 'Trainer/model')
"""


@pytest.fixture
def store_file(written: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copy(written, tmp_path / "metadata.sqlite"))


@pytest.fixture
def exported(store_file: Path) -> Callable[[str], subject.Subject]:
    """The subject of a model's name."""

    def of(name: str) -> subject.Subject:
        store = sql.SqlStore(connections.opened(str(store_file)))
        return subject.of(store, "trips", name)

    return of


@pytest.fixture
def record(store_file: Path) -> Callable[..., None]:
    """Sets a property of every artifact of the type, or of one."""

    def put(type_: str, name: str, value: str, uri: str = "%") -> None:
        with closing(sqlite3.connect(store_file)) as db, db:
            ids = db.execute(
                "select a.id from Artifact a join Type t on t.id = a.type_id "
                "where t.name = ? and a.uri like ?",
                (type_, uri),
            ).fetchall()
            for (artifact,) in ids:
                db.execute(
                    "insert or replace into ArtifactProperty "
                    "(artifact_id, name, is_custom_property, string_value) "
                    "values (?, ?, 1, ?)",
                    (artifact, name, value),
                )

    return put


@pytest.fixture
def configure(store_file: Path) -> Callable[[dict], None]:
    """Sets the recorded configuration of every run."""

    def put(config: dict) -> None:
        with closing(sqlite3.connect(store_file)) as db, db:
            db.execute(
                "update ContextProperty set string_value = ? where name = 'config'",
                (json.dumps(config),),
            )

    return put


@pytest.fixture
def pushed(record: Callable[..., None], tmp_path: Path) -> Path:
    """The folder of version 1, as the Pusher leaves it."""
    folder = tmp_path / "serving" / "1"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"the model")
    files = content.of_folder(str(folder))
    note = manifest.compose(
        Origin(run_id="run-00001"),
        {name: (file["size"], file["sha256"]) for name, file in files.items()},
    )
    (folder / "assets.extra").mkdir()
    (folder / manifest.FILE).write_bytes(note)
    for name, value in {
        Pushed.DESTINATION: str(folder),
        Pushed.MANIFEST: manifest.digest(note),
        Payload.CONTENT: content.text(files),
        Payload.DIGEST: content.digest(files),
    }.items():
        record("PushedModel", name, value, uri="%/1")
    return folder


@pytest.fixture(scope="session")
def write_key() -> Callable[[Path, Any], None]:
    """Writes a private key as PEM."""

    def write(path: Path, key: Any) -> None:
        path.write_bytes(
            key.private_bytes(
                PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        path.chmod(0o600)

    return write


@pytest.fixture
def keys(tmp_path: Path, write_key: Callable[..., None]) -> Path:
    """A folder with two pairs."""
    for name in ("own", "other"):
        key = ed25519.Ed25519PrivateKey.generate()
        write_key(tmp_path / f"{name}.pem", key)
        public = key.public_key().public_bytes(
            PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (tmp_path / f"{name}.pub").write_bytes(public)
    return tmp_path


@pytest.fixture
def signed(exported, pushed, keys) -> Path:
    """The envelope of version 1."""
    file = keys / "signature.json"
    subject = exported(str(pushed))
    file.write_text(signing.signed(subject, f"file:{keys / 'own.pem'}"))
    return file
