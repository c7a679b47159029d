"""The private C runtime: made only where it is needed and can be made."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

TOOLS = ("bash", "cat", "cut", "head", "sort", "sh")


@pytest.fixture
def host(tmp_path):
    """A folder of programs that stands for the machine: its glibc and its kind."""

    def host(glibc: str, machine: str = "x86_64", apt: bool = True):
        folder = tmp_path / "host"
        folder.mkdir()
        for tool in TOOLS:
            (folder / tool).symlink_to(shutil.which(tool))
        answers = {"getconf": f"glibc {glibc}", "uname": machine}
        # Whoever gets as far as apt has gone too far: it notes that it was called.
        answers |= {"apt-get": "", "dpkg-deb": ""} if apt else {}
        for name, answer in answers.items():
            program = folder / name
            program.write_text(
                f'#!/bin/sh\necho "$0" >> {tmp_path}/called\necho "{answer}"\n'
            )
            program.chmod(0o755)
        return folder

    return host


@pytest.fixture
def run(repository, tmp_path):
    def run(folder, **variables: str):
        done = subprocess.run(
            [
                *("bash", str(repository / "bootstrap" / "c_runtime.sh")),
                *(str(tmp_path / "venv"), str(tmp_path / "no-patchelf")),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PATH": str(folder), "LC_ALL": os.environ.get("LC_ALL", "C")}
            | variables,
        )
        called = (tmp_path / "called").read_text() if folder.exists() else ""
        assert "apt-get" not in called
        assert not (tmp_path / "venv").exists()
        return done

    return run


def refusal(glibc: str, reason: str) -> str:
    """The first line; what helps on each system follows."""
    return (
        f"setup: this host has glibc {glibc}; the TFX 1.21 wheels need 2.39, and the "
        f"private C runtime cannot be made here: {reason}\n"
    )


@pytest.mark.parametrize("glibc", ["2.39", "2.41", "2.100", "3.0"])
def test_a_new_enough_host_needs_nothing_and_nothing_is_done(host, run, glibc):
    done = run(host(glibc))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_machine_than_x86_64_is_refused(host, run):
    done = run(host("2.31", machine="aarch64"))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        refusal("2.31", "the machine is aarch64, the wheels are x86-64")
    )


def test_a_host_without_apt_is_refused(host, run):
    done = run(host("2.31", apt=False))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(refusal("2.31", "there is no apt"))


def test_another_system_than_debian_and_ubuntu_is_refused(host, run, tmp_path):
    release = tmp_path / "os-release"
    release.write_text("ID=fedora\nVERSION_ID=42\n")

    done = run(host("2.9"), OS_RELEASE=str(release))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        refusal("2.9", "the system is 'fedora', neither Debian nor Ubuntu")
    )


def test_a_host_without_glibc_is_refused(host, run):
    folder = host("", machine="aarch64")

    done = run(folder)

    assert done.returncode == 2
    assert done.stderr.startswith("setup: this host has glibc 0; ")
    assert "docker build --platform linux/amd64 --tag millrace ." in done.stderr
