"""Set-up: the right Python or none, and no address of ours in the repository."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMS = ("Debian", "Ubuntu 24.04", "Fedora", "macOS", "Dockerfile")
"""For each of them the refusal says what to type."""


@pytest.fixture
def setup(repository, tmp_path):
    """Runs setup.sh for an environment of its own, on a machine with these programs."""

    def setup(programs: dict[str, str], **variables: str):
        folder = tmp_path / "programs"
        folder.mkdir(exist_ok=True)
        for name, script in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        return subprocess.run(
            [
                *("bash", str(repository / "bootstrap" / "setup.sh")),
                *(str(tmp_path / "venv"), "requirements/main.lock"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PATH": f"{folder}:/usr/bin:/bin"} | variables,
        )

    return setup


def refused(done, venv: Path) -> str:
    """The reason: all there is beside what helps on each system."""
    assert (done.returncode, done.stdout) == (2, "")
    assert not venv.exists()
    reason, _, help_ = done.stderr.partition("\n")
    assert all(system in help_ for system in SYSTEMS)
    assert len(done.stderr.splitlines()) < 16
    return reason


@pytest.mark.parametrize("version", ["3.12", "3.10", "3.1", ""])
def test_another_python_than_3_11_is_refused_with_what_to_type(
    setup, tmp_path, version
):
    python = {"python3": f"echo '{version}'", "python3.11": "exit 1"}
    done = setup(python)

    assert refused(done, tmp_path / "venv") == (
        "setup: Millrace needs Python 3.11 (kfp, and Vertex with it, is gone on 3.12); "
        f"found: {version}"
    )
    assert "make setup PYTHON=/path/to/python3.11" in done.stderr


def test_a_python_that_is_named_and_not_there_is_not_replaced_by_another(
    setup, tmp_path
):
    done = setup({"python3.11": "echo 3.11"}, PYTHON=str(tmp_path / "nowhere"))

    assert refused(done, tmp_path / "venv").endswith("found: none")


def test_a_python_without_venv_is_refused_with_the_package_that_brings_it(
    setup, tmp_path
):
    no_venv = 'case "$2" in *ensurepip*) exit 1;; *) echo 3.11;; esac'
    done = setup({"python3.11": no_venv})

    assert "has no venv" in refused(done, tmp_path / "venv")
    assert "apt-get install python3 python3-venv git make" in done.stderr


@pytest.mark.parametrize(
    ("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64")]
)
def test_another_system_than_linux_on_x86_64_is_refused(
    setup, tmp_path, system, machine
):
    uname = f'[ "$1" = -s ] && echo {system} || echo {machine}'

    reason = refused(setup({"uname": uname}), tmp_path / "venv")

    assert f"this is {system} on {machine}" in reason


def test_a_download_that_breaks_off_says_that_the_same_command_goes_on(setup, tmp_path):
    """The first pip finds nobody; nothing of a traceback, and no stamp."""
    done = setup(
        {}, PYTHON=sys.base_prefix + "/bin/python3.11", PIP_NO_INDEX="1", HOME="/none"
    )

    assert done.returncode == 1
    assert "the same command goes on there" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "venv" / ".installed").exists()


def test_no_package_of_the_lock_needs_a_compiler(repository):
    """What stands in for the only one has its results (those of pyfarmhash 0.3.2)."""
    path = repository / "bootstrap" / "farmhash" / "farmhash.py"
    spec = importlib.util.spec_from_file_location("own_farmhash", path)
    own = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(own)

    assert "pyfarmhash" not in (repository / "requirements" / "test.lock").read_text()
    assert {text: own.fingerprint32(text) for text in FINGERPRINTS} == {
        text: short for text, (short, _) in FINGERPRINTS.items()
    }
    assert {text: own.fingerprint64(text) for text in FINGERPRINTS} == {
        text: long for text, (_, long) in FINGERPRINTS.items()
    }
    assert own.fingerprint32(b"trip") == own.fingerprint32("trip")


FINGERPRINTS = {
    "": (3696677242, 11160318154034397263),
    "a": (1016544589, 12917804110809363939),
    "trip": (607991186, 8072293313482954597),
    "trip_miles": (4206711634, 7332135714719751006),
    "payment_type": (2946056263, 5403427876313944272),
    "pickup_community_area": (1523272727, 9670583753613315476),
    "dropoff_community_area_and_more": (3866298381, 15851222449088280595),
    "é€" * 30: (3393045701, 13207501417268073591),
}


@pytest.fixture
def doctor(repository, tmp_path):
    """What doctor.sh says of a machine whose programs answer so, without a network."""

    def doctor(programs: dict[str, str], **variables: str):
        for name, script in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        return subprocess.run(
            ["bash", str(repository / "bootstrap" / "doctor.sh"), str(tmp_path / "v")],
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"} | variables,
        )

    return doctor


def test_the_doctor_says_beforehand_what_set_up_would_refuse(doctor):
    done = doctor(
        {
            "python3": "echo 3.12.3",
            "python3.11": "exit 1",
            "uname": '[ "$1" = -s ] && echo Darwin || echo arm64',
            "getconf": "echo glibc 2.31",
            "dpkg-deb": "exit 1",
        },
        HOME="/proc/nowhere",
    )

    assert done.returncode == 1
    assert "bad  machine      Darwin on arm64" in done.stdout
    assert "bad  Python       3.12.3; needs 3.11" in done.stdout
    assert "home folder cannot be written" in done.stdout


def test_the_doctor_names_the_package_that_brings_venv(doctor):
    no_venv = 'case "$2" in *ensurepip*) exit 1;; *) echo 3.11;; esac'

    done = doctor({"python3.11": no_venv})

    assert done.returncode == 1
    assert "has no venv: apt-get install python3.11-venv" in done.stdout


def test_the_doctor_is_content_before_set_up(doctor):
    done = doctor({"python3.11": "echo 3.11"})

    assert (done.returncode, done.stderr) == (0, "")
    assert ".venv        not there yet: make setup" in done.stdout


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

    assert [lock.stem for lock in locks] == [*("bootstrap", "build", "main", "test")]
    for lock in locks:
        logical = lock.read_text().replace("\\\n", " ").splitlines()
        wanted = [line for line in logical if line and not line.startswith("#")]
        assert all(" --hash=sha256:" in line and "==" in line for line in wanted), lock


def test_the_tests_run_on_the_versions_that_users_get(repository):
    def versions(name: str) -> set[str]:
        lines = (repository / "requirements" / name).read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line}

    assert versions("main.lock") <= versions("test.lock")
