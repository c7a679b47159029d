"""The image, without Docker: its Dockerfile's rules, and what our wheel brings."""

from __future__ import annotations

import fnmatch
import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline.config import config as config_lib
from pipeline.vertex.job import compile as vertex


@pytest.fixture(scope="module")
def root() -> Path:
    return Path(__file__).resolve().parents[2]


def _instructions(root: Path) -> list[tuple[str, str]]:
    text = (root / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
    logical = "\n".join(lines).replace("\\\n", " ").splitlines()
    pairs = [line.split(maxsplit=1) for line in logical if line.strip()]
    return [(name, " ".join(words.split())) for name, words in pairs]


@pytest.fixture(scope="module")
def instructions(root) -> list[tuple[str, str]]:
    return _instructions(root)


@pytest.fixture(scope="module")
def stages(instructions) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, words in instructions:
        if name == "FROM":
            found.append([])
        found[-1].append((name, words))
    return found


def _of(stage, name: str) -> list[str]:
    return [words for found, words in stage if found == name]


def _sources(instructions) -> list[str]:
    """What COPY takes from the repository."""
    copies = [w.split() for w in _of(instructions, "COPY") if "--from" not in w]
    return [source for words in copies for source in words[:-1]]


def _locked(root: Path, package: str) -> str:
    lock = (root / "requirements" / "main.lock").read_text("utf-8")
    return re.search(rf"^{package}==(\S+)", lock, re.MULTILINE)[1]


def test_every_base_has_a_tag_and_none_of_them_moves_with_time(stages, root):
    bases = [_of(stage, "FROM")[0].split()[0] for stage in stages]

    assert bases == ["python:3.11-slim-trixie"] * 2
    copied = [w for w in _of(stages[-1], "COPY") if "beam" in w]
    version = _locked(root, "apache-beam")
    assert copied == [
        f"--from=apache/beam_python3.11_sdk:{version} /opt/apache/beam /opt/apache/beam"
    ]


def test_it_starts_as_nobody_special_and_as_a_worker_of_beam(stages):
    names = [name for name, _ in stages[-1]]

    assert _of(stages[-1], "USER") == ["millrace"]
    assert names[-2:] == ["USER", "ENTRYPOINT"]
    assert _of(stages[-1], "ENTRYPOINT") == ['["/opt/apache/beam/boot"]']


def test_boot_may_write_where_it_starts_and_change_nothing_there(stages):
    """It writes pipeline_options.json; without that no worker starts."""
    names = [name for name, _ in stages[-1]]
    made = _of(stages[-1], "RUN")[-1]

    assert _of(stages[-1], "WORKDIR") == ["/millrace"]
    assert made.endswith("&& chmod 1777 .")
    assert names.index("WORKDIR") < names.index("USER")
    assert "chown" not in " ".join(_of(stages[-1], "COPY"))


def test_every_process_has_keras_3_and_workers_see_the_environment(stages):
    environment = " ".join(_of(stages[-1], "ENV"))

    for wanted in (
        "TF_USE_LEGACY_KERAS=0",
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1",
        "PATH=/opt/venv/bin:$PATH",
    ):
        assert wanted in environment


def test_nothing_of_the_build_stays(stages):
    for words in [word for stage in stages for word in _of(stage, "RUN")]:
        if "apt-get" in words:
            assert "--no-install-recommends" in words
            assert words.endswith("rm -rf /var/lib/apt/lists/*")
        for call in re.findall(r"pip install[^&]*", words):
            assert "--no-cache-dir" in call
        assert "sudo" not in words
    assert "g++" not in " ".join(_of(stages[-1], "RUN"))


def test_headers_go_in_the_step_that_brings_them(stages):
    """Later they would only be hidden; their layer would stay as large."""
    [install] = [w for w in _of(stages[0], "RUN") if "bootstrap/install.sh" in w]

    assert install.endswith(
        "&& rm -r /opt/venv/lib/python3.11/site-packages/tensorflow/include"
    )


def test_files_are_copied_and_never_added(instructions):
    assert _of(instructions, "ADD") == []


def test_the_lock_is_installed_by_its_hashes(root):
    script = (root / "bootstrap" / "install.sh").read_text("utf-8")
    installs = re.findall(r"install (?:[^\n]|\\\n)*", script.partition("set -euo")[2])

    locked, ours = installs[:2], installs[2:]
    assert all("--require-hashes" in line for line in locked)
    assert ["--no-index" in line and line.endswith("farmhash") for line in ours] == [
        True
    ]


def test_an_edit_of_the_code_installs_no_library_again(instructions):
    words = [f"{name} {text}" for name, text in instructions]
    installed = next(i for i, w in enumerate(words) if "bootstrap/install.sh /opt" in w)
    before = " ".join(w for w in words[:installed] if w.startswith("COPY"))
    code = [i for i, w in enumerate(words) if w.startswith("COPY pipeline")]
    commit = [i for i, w in enumerate(words) if w.startswith("ARG COMMIT")]

    assert "pipeline" not in before
    assert "trainer" not in before
    assert installed < code[0] < commit[0]


def test_every_file_that_it_copies_is_there_and_reaches_docker(root, instructions):
    ignored = (root / ".dockerignore").read_text("utf-8").splitlines()
    kept = [line[1:] for line in ignored if line.startswith("!")]

    for source in _sources(instructions):
        assert (root / source).exists(), source
        assert any(
            source == k or source.startswith(f"{k}/") or fnmatch.fnmatch(source, k)
            for k in kept
        ), source


def test_it_says_what_it_was_built_from(stages):
    [labels] = _of(stages[-1], "LABEL")

    assert "org.opencontainers.image.revision=$COMMIT" in labels
    assert "MILLRACE_COMMIT=$COMMIT" in _of(stages[-1], "ENV")


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory) -> set[str]:
    """The names in our wheel, built from what git knows."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (root / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / "source" / name)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-index", "--no-build-isolation", "--wheel-dir", str(folder)),
            str(folder / "source"),
        ],
        check=True,
        capture_output=True,
    )
    [file] = folder.glob("*.whl")
    return set(zipfile.ZipFile(file).namelist())


@pytest.fixture(scope="module")
def job() -> dict:
    config = config_lib.load((), (), platform="vertex").config
    return vertex.compile_job(config).to_dict()


def _image_check(root: Path):
    file = root / "bootstrap" / "image_check.py"
    spec = importlib.util.spec_from_file_location("image_check", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_module_that_a_job_starts_is_in_our_wheel(root, wheel, job):
    names = set(_image_check(root).names(job))
    ours = {name for name in names if name.startswith("pipeline.")}

    assert "pipeline.vertex.job.task" in ours
    assert "pipeline.components.ingestion.Executor" in ours
    for name in ours:
        module = name if name == "pipeline.vertex.job.task" else name.rpartition(".")[0]
        assert f"{module.replace('.', '/')}.py" in wheel, name


def test_every_dotted_function_that_a_job_names_is_in_our_wheel(wheel, job):
    found = set(re.findall(r"\b(?:trainer|transform)(?:\.[a-z_]+)+", str(job)))

    assert {
        "trainer.run_fn.run_fn",
        "transform.preprocessing.preprocessing_fn",
    } <= found
    for name in ("trainer.run_fn.run_fn", "transform.preprocessing.preprocessing_fn"):
        assert f"{name.rpartition('.')[0].replace('.', '/')}.py" in wheel


def test_the_wheel_brings_what_is_no_python_and_nothing_of_the_tests(root, wheel):
    for folder in ("pipeline", "trainer", "models", "transform"):
        for file in (root / folder).rglob("*"):
            name = str(file.relative_to(root))
            if file.is_file() and "__pycache__" not in name:
                assert name in wheel, name
    assert not [name for name in wheel if name.startswith(("tests/", "benchmarks/"))]
