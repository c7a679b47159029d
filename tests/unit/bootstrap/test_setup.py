"""Set-up: the right Python or none, and no address of ours in the repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def setup(repository, tmp_path):
    """Runs setup.sh for an environment of its own, with a Python that says so."""

    def setup(says: str):
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\necho "{says}"\n')
        python.chmod(0o755)
        done = subprocess.run(
            [
                *("bash", str(repository / "bootstrap" / "setup.sh")),
                *(str(tmp_path / "venv"), "requirements/main.lock"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHON": str(python)},
        )
        assert not (tmp_path / "venv").exists()
        return done

    return setup


@pytest.mark.parametrize("version", ["3.12", "3.10", "3.1", ""])
def test_another_python_than_3_11_is_refused_with_what_to_type(setup, version):
    done = setup(version)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "setup: Millrace needs Python 3.11 (kfp, and Vertex with it, is gone on 3.12)."
        f"\nsetup: found: {version}. Install Python 3.11 or say where it is: "
        "make setup PYTHON=/path/to/python3.11\n"
    )


def _own_files(root: Path) -> list[Path]:
    """Everything that is not made by a tool; what git would track."""
    made = {"output", "build", "dist", "__pycache__", "bench-output"}
    kept = {".ci", ".github"}
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if name not in made
            and not name.endswith(".egg-info")
            and (name in kept or not name.startswith("."))
        ]
        files += [Path(folder, name) for name in names if name != ".coverage"]
    return files


def test_no_file_names_a_package_index_or_mirror(repository):
    """The machine's own settings decide where packages come from."""
    hosts = [
        f"{host}.{end}".encode()
        for host, end in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("deb.debian", "org"),
            ("ftp.debian", "org"),
            ("security.debian", "org"),
            ("archive.ubuntu", "com"),
            ("security.ubuntu", "com"),
            ("artifactory", "com"),
        )
    ]
    hosts += [b"--index" + b"-url ", b"--extra" + b"-index-url"]
    files = _own_files(repository)

    found = [
        (str(file.relative_to(repository)), host.decode())
        for file in files
        for host in hosts
        if host in file.read_bytes()
    ]

    assert repository / "requirements" / "main.lock" in files
    assert found == []


def test_every_locked_package_has_a_hash(repository):
    locks = sorted((repository / "requirements").glob("*.lock"))

    assert [lock.stem for lock in locks] == [
        *("bootstrap", "build", "compiler", "main", "test")
    ]
    for lock in locks:
        logical = lock.read_text().replace("\\\n", " ").splitlines()
        wanted = [line for line in logical if line and not line.startswith("#")]
        assert all(" --hash=sha256:" in line and "==" in line for line in wanted), lock


def test_the_tests_run_on_the_versions_that_users_get(repository):
    def versions(name: str) -> set[str]:
        lines = (repository / "requirements" / name).read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line}

    assert versions("main.lock") <= versions("test.lock")
