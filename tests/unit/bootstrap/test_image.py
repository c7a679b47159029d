"""The image without Docker: refused where it cannot work, started in clean places."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.vertex.job.job import Step


@pytest.fixture
def script(repository, monkeypatch):
    """A script of bootstrap/, imported."""

    def script(name: str):
        file = repository / "bootstrap" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)  # as dataclasses want it
        spec.loader.exec_module(module)
        return module

    return script


@pytest.fixture
def programs(tmp_path):
    """Puts a program into a folder that is first on PATH, or alone there."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def programs(**scripts: str) -> Path:
        for name, text in scripts.items():
            file = folder / name
            file.write_text(f"#!/bin/bash\n{text}\n")
            file.chmod(0o755)
        return folder

    return programs


def build(repository, path: str, *arguments: str):
    return subprocess.run(
        ["/bin/bash", str(repository / "bootstrap" / "image.sh"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path, "OS_RELEASE": f"{path}/os-release"},
    )


TOOLS = ("buildah", "debootstrap", "go")


@pytest.fixture
def machine(programs):
    """PATH of a machine that has what it takes, but for what is said."""

    def machine(
        without: str = "",
        uid: int = 0,
        kind: str = "Linux x86_64",
        system: str = "debian",
    ) -> str:
        tools = {name: "echo one; echo no overlay >&2; exit 1" for name in TOOLS}
        tools.pop(without, None)
        folder = programs(uname=f"echo {kind}", id=f"echo {uid}", **tools)
        for name in ("cat", "dirname", "mkdir", "realpath", "sed"):
            (folder / name).symlink_to(f"/usr/bin/{name}")
        (folder / "os-release").write_text(f"NAME=x\nID={system}\n")
        return str(folder)

    return machine


def refused(done) -> str:
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.endswith("; elsewhere: docker build --tag millrace .")
    return line.removeprefix("image: ").partition(";")[0]


@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("buildah", "buildah"),
        ("debootstrap", "debootstrap"),
        ("go", "golang-go"),
    ],
)
def test_a_program_that_is_missing_is_named_with_its_package(
    repository, machine, tmp_path, program, package
):
    done = build(repository, machine(without=program), str(tmp_path / "image"))

    assert refused(done).startswith(f"there is no {program} (")
    assert package in done.stderr
    assert not (tmp_path / "image").exists()


def test_another_user_than_root_is_refused(repository, machine, tmp_path):
    done = build(repository, machine(uid=1000), str(tmp_path / "image"))

    assert refused(done).startswith("only root can ")
    assert not (tmp_path / "image").exists()


def test_another_machine_than_the_wheels_is_refused(repository, machine, tmp_path):
    done = build(repository, machine(kind="Linux aarch64"), str(tmp_path / "image"))

    assert refused(done) == "the wheels are for Linux on x86-64, not Linux aarch64"


def test_another_system_is_refused(repository, machine, tmp_path):
    done = build(repository, machine(system="ubuntu"), str(tmp_path / "image"))

    assert refused(done) == "the system is not Debian"


def test_a_folder_that_buildah_cannot_use_is_refused_in_buildahs_words(
    repository, machine, tmp_path
):
    folder = tmp_path / "image"
    done = build(repository, machine(), str(folder))

    assert refused(done) == f"buildah cannot store images in {folder}: no overlay"


def test_nothing_is_built_in_the_clone(repository, machine):
    done = build(repository, machine(), str(repository / "build-of-a-test"))

    assert refused(done).endswith("is in the clone")
    assert not (repository / "build-of-a-test").exists()


BUILDAH = """\
echo "$*" >> {log}
case $1 in
  from) echo container-1 ;;
  run) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
esac
"""


@pytest.fixture
def image(script, programs, tmp_path, monkeypatch):
    """An image whose buildah runs the commands here; and what it was asked."""
    log = tmp_path / "asked"
    folder = programs(buildah=BUILDAH.format(log=log))
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    (tmp_path / "bucket").mkdir()
    return script("image_start").Image(tmp_path / "bucket"), log


@pytest.mark.parametrize(("code", "ended_well"), [(0, True), (7, False)])
def test_a_task_has_a_container_of_its_own_that_sees_the_bucket(
    image, tmp_path, code, ended_well
):
    started, log = image
    args = ["-c", f'echo "$0"; exit {code}', "{{$}}"]
    step = Step({"command": ["sh"], "args": args})

    with (tmp_path / "log").open("wb") as file:
        held = started.with_environment({"A": "b c"})
        assert held.start(step, '{"inputs": {}}', file) is ended_well

    assert (tmp_path / "log").read_text() == '{"inputs": {}}\n'
    bucket = tmp_path / "bucket"
    created, run, removed = log.read_text().splitlines()
    assert created == "from --pull-never millrace"
    wanted = f"run --volume={bucket}:{bucket} --env=A=b c container-1 -- sh -c "
    assert run.startswith(wanted)
    assert removed == "rm container-1"


def test_a_container_is_removed_whatever_happened(image):
    started, log = image

    with pytest.raises(KeyboardInterrupt), started.container():
        raise KeyboardInterrupt

    assert log.read_text().splitlines()[-1] == "rm container-1"


def test_statistics_are_alike_but_for_the_order_of_adding(script):
    module = script("image_start")
    one = {"train": ["10", "rows", "name:", '"fare"', "mean:", "21.959210966232028"]}

    def but(word: int, value: str) -> dict[str, list[str]]:
        words = [*one["train"]]
        words[word] = value
        return {"train": words}

    assert module.alike(one, but(5, "21.959210966232032"))
    assert not module.alike(one, but(5, "21.9592"))
    assert not module.alike(one, but(0, "11"))
    assert not module.alike(one, but(3, '"fares"'))
    assert not module.alike(one, {})
    assert not module.alike(one, {"train": one["train"][:-2]})


def test_each_layer_has_its_size_and_its_instruction(script, tmp_path, capsys):
    layers = tmp_path / "layers.json"
    known = {"sha256:a": 120_000_000, "sha256:b": 2_500_000, "sha256:other": 1}
    layers.write_text(
        json.dumps([{"diff-digest": k, "diff-size": v} for k, v in known.items()])
    )
    history = [
        {"created_by": "/bin/sh"},
        {"created_by": "/bin/sh -c #(nop) ENV A=b", "empty_layer": True},
        {"created_by": "/bin/sh -c #(nop) COPY dir:0a1b in pipeline"},
    ]
    image = {
        "OCIv1": {
            "history": history,
            "rootfs": {"diff_ids": ["sha256:a", "sha256:b"]},
        }
    }
    module = script("image_layers")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(json.dumps(image)))
        assert module.main(str(layers)) == 0

    assert capsys.readouterr().out.splitlines() == [
        "   120.0 MB  base",
        "     2.5 MB  COPY pipeline",
        "   122.5 MB  in all",
    ]
