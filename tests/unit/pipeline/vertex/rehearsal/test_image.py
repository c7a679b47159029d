"""The image as a folder: what the Dockerfile copies and sets, and nothing else."""

from __future__ import annotations

import os
import shutil

import pytest

from pipeline.errors import UsageError
from pipeline.vertex.rehearsal import image as image_lib

DOCKERFILE = """
FROM python AS build
ENV ONLY_OF_THE_BUILD=1
COPY bootstrap bootstrap

FROM python
# A remark, and a line that goes on.
ENV PATH=/opt/venv/bin:$PATH \\
    FLAG=0
COPY --from=build /opt/venv /opt/venv
WORKDIR /millrace
COPY setup.py run.py ./
COPY pipeline pipeline
RUN something --that "only a build" can do
ARG COMMIT=unknown
ENV MILLRACE_COMMIT=$COMMIT
USER millrace
"""


@pytest.fixture
def tree(tmp_path, repository):
    """A small repository, with the locks of this one."""
    tree = tmp_path / "tree"
    for name, text in {
        "Dockerfile": DOCKERFILE,
        "setup.py": "",
        "run.py": "",
        "README.md": "",
        "tests/test.py": "",
        "bootstrap/install.sh": "",
        "pipeline/__init__.py": "",
        "pipeline/rows.csv": "",
        "pipeline/__pycache__/old.pyc": "",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    shutil.copytree(repository / "requirements", tree / "requirements")
    return tree


@pytest.fixture
def lay_out(tree, tmp_path):
    def lay_out(commit: str = "") -> image_lib.Image:
        (tmp_path / "image").mkdir()
        return image_lib.lay_out(tree, tmp_path / "image", commit)

    return lay_out


def test_it_holds_what_is_copied_and_nothing_else_of_the_repository(lay_out):
    image = lay_out()

    files = sorted(
        str(path.relative_to(image.work))
        for path in image.work.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )
    assert files == ["pipeline/__init__.py", "pipeline/rows.csv", "run.py", "setup.py"]
    assert not [*image.work.rglob("old.pyc")]


def test_its_environment_is_what_it_sets_and_no_more(lay_out):
    image = lay_out(commit="1a2b")

    assert image.environment == {
        "PATH": f"{image.folder}/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
        "FLAG": "0",
        "MILLRACE_COMMIT": "1a2b",
        "HOME": f"{image.folder}/home/millrace",
        "TMPDIR": f"{image.folder}/tmp",
    }
    assert os.listdir(image.environment["HOME"]) == []


def test_packages_are_those_of_the_locks(image):
    packages = {path.name for path in image.folder.glob("opt/venv/lib/*/*/*")}

    assert {"numpy", "yaml", "tfx", "setuptools", "pip", "farmhash.py"} <= packages
    assert not {"pytest", "_pytest", "hypothesis", "ruff", "trustme"} & packages
    assert not [name for name in packages if name.startswith("__editable__")]


def test_bytecode_is_there_since_the_user_may_not_write(lay_out):
    assert [*lay_out().work.glob("pipeline/__pycache__/__init__.*.pyc")]


@pytest.mark.parametrize(
    ("name", "mode", "advice"),
    [
        ("pipeline/rows.csv", 0o600, "chmod o+r "),
        ("pipeline", 0o750, "chmod o+rx "),
        ("setup.py", 0o640, "chmod o+r "),
    ],
)
def test_a_file_that_the_images_user_could_not_read_is_refused(
    lay_out, tree, name, mode, advice
):
    """Docker keeps its mode and makes it root's; the tasks run as another user."""
    (tree / name).chmod(mode)

    with pytest.raises(UsageError) as caught:
        lay_out()

    assert str(caught.value).startswith(f"{tree / name} cannot be read by others")
    assert str(caught.value).endswith(f"{advice}{tree / name}")


def test_what_is_copied_and_not_there_is_named(lay_out, tree):
    (tree / "run.py").unlink()

    with pytest.raises(UsageError, match=r"copies .*/run\.py, which is not there"):
        lay_out()


def test_without_a_dockerfile_there_is_no_image(lay_out, tree):
    (tree / "Dockerfile").unlink()

    with pytest.raises(UsageError, match="Dockerfile is not there"):
        lay_out()


def test_this_repositorys_has_the_variables_of_its_dockerfile(image):
    assert image.environment.items() >= {
        ("TF_USE_LEGACY_KERAS", "0"),
        ("RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT", "1"),
    }
    assert {path.name for path in image.work.iterdir()} == {
        *("pyproject.toml", "setup.py", "local_runner.py", "vertex_runner.py"),
        *("requirements", "configs", "models", "transform", "trainer", "pipeline"),
    }
