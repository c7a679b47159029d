"""A whole run recorded in MySQL and in PostgreSQL, and its password nowhere."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import run_millrace
from tests.fakes import databases

PENGUINS = ("--config", "configs/penguins/penguins.yaml")


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_a_run_is_recorded_found_again_and_cached_and_the_password_is_nowhere(
    kind, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLMD_PASSWORD", databases.PASSWORD)
    with databases.started(kind) as database:
        store = ("--set", f"metadata.store={database.uri}")
        said = []

        def millrace(*arguments: str):
            ran = run_millrace(tmp_path / "output", *arguments, *PENGUINS, *store)
            said.append(ran.stdout + ran.stderr)
            return ran

        first = millrace("run")
        pushed = first.summary["pushed"]
        traced = millrace("lineage", "trace", pushed, "--output", "json")
        second = millrace("run", "--force")
        dump = database.dump()

    assert first.code == 0, said[0]
    assert traced.code == 0, said[1]
    assert "penguins.csv" in traced.stdout
    assert second.code == 0, said[2]
    assert set(second.states.values()) == {"cached", "done"}
    assert second.states["Trainer"] == "cached"
    assert not (tmp_path / "output" / "metadata.sqlite").exists()
    written = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    written |= {"said": "".join(said).encode(), "database": dump.encode()}
    secret, reference = databases.PASSWORD.encode(), b"env:MLMD_PASSWORD"
    assert [place for place, text in written.items() if secret in text] == []
    assert reference in written["database"]
    assert reference in written[second.folder / "config.json"]
