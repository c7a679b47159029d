"""README tells the truth: its tree, its commands, its exit codes."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer import testing

from pipeline.commands import lineage
from pipeline.runs.outcome import Outcome


@pytest.fixture
def readme(repository) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def _tree(readme: str) -> dict[str, str]:
    """The paths of the tree, a folder with a slash, and what is said of each."""
    block = readme.partition("## Where things are")[2].split("```")[1]
    found = {}
    for line in block.strip().splitlines():
        names, _, words = line.strip().partition("  ")
        parent = "pipeline/" if line.startswith("  ") else ""
        for name in names.split():
            found[parent + name] = words.strip()
    return found


def _tracked(repository) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return [f for f in listed.stdout.splitlines() if (repository / f).is_file()]


def test_the_tree_has_every_folder_and_every_package_and_no_other(repository, readme):
    tracked = [file.split("/") for file in _tracked(repository)]
    top = {f"{path[0]}/" for path in tracked if len(path) > 1}
    packages = {
        f"pipeline/{path[1]}/"
        for path in tracked
        if path[0] == "pipeline" and len(path) > 2
    }
    tree = _tree(readme)
    folders = {path for path in tree if path.endswith("/")}

    assert folders == {*top, *packages} - {".ci/", ".github/", "pipeline/runners/"}
    assert {p for p in tree if p not in folders} == {
        *("local_runner.py", "vertex_runner.py", "pipeline/pipeline.py")
    }
    assert all((repository / path).exists() for path in tree)
    assert [path for path, words in tree.items() if not words] == ["pipeline/"]
    assert len(tree) <= 33


def test_the_front_page_is_short(readme):
    assert len(readme.splitlines()) <= 200


def _packages(repository) -> list[Path]:
    roots = ("pipeline", "trainer", "models", "transform")
    return sorted(
        file.parent
        for root in roots
        for file in (repository / root).rglob("__init__.py")
    )


def _said(package: Path) -> list[str]:
    """The names that a package's docstring lists, each with what it is."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    return re.findall(r"^([\w.]+/?)  +\S", text, re.MULTILINE)


def _there(package: Path) -> list[str]:
    """Its modules, and what else lies in it; a folder with a slash."""
    names = [
        path.name.removesuffix(".py") + ("/" if path.is_dir() else "")
        for path in package.iterdir()
        if path.name not in ("__init__.py", "__pycache__")
    ]
    return sorted(names)


def test_the_map_of_each_package_names_every_file_of_it_and_no_other(repository):
    packages = _packages(repository)

    assert len(packages) > 25
    for package in packages:
        assert sorted(_said(package)) == _there(package), package


def test_every_page_of_the_docs_is_in_their_index(repository):
    index = (repository / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (repository / "docs").glob("*.*")} - {"README.md"}

    assert len(pages) > 10
    assert {page for page in pages if f"({page})" not in index} == set()


def test_every_link_of_the_docs_leads_to_a_file(repository):
    pages = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]

    broken = [
        (page.name, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)", page.read_text(encoding="utf-8"))
        if target != "https" and not (page.parent / target).exists()
    ]

    assert len(pages) > 12
    assert broken == []


def _commands(repository) -> set[str]:
    """All that the documents put in code and that starts with a command of ours."""
    found = set()
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "docs/commands.md",
        "benchmarks/README.md",
        "docs/deploy.md",
    ):
        text = (repository / name).read_text(encoding="utf-8")
        code = re.findall(r"`([^`\n]+)`", text)
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            code += [line.split("#")[0].strip() for line in block.splitlines()]
        found |= {c for c in code if c.startswith(("make ", "python "))}
    return found


def test_every_guarantee_names_tests_that_exist(repository):
    page = (repository / "docs" / "guarantees.md").read_text("utf-8")
    files = list((repository / "tests").rglob("test_*.py"))
    tests = "\n".join(file.read_text("utf-8") for file in files)
    named = re.findall(r"`(?:[\w/]*?(test_\w+\.py))?(?:::)?(test_\w+)?`", page)

    assert len(named) > 40
    known = {file.name for file in files}
    assert {file for file, _ in named if file} - known == set()
    assert [test for _, test in named if test and f"def {test}(" not in tests] == []


def test_every_make_command_of_the_documents_is_a_target(repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    wanted = {c.split()[1] for c in _commands(repository) if c.startswith("make ")}

    assert {"run", "test", "setup", "check", "bench"} <= wanted
    assert wanted - targets == set()


@pytest.fixture
def helped(repository):
    """Asks a command for help with its own words; a wrong option ends with 2."""

    def app(script: str):
        spec = importlib.util.spec_from_file_location(script, repository / script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.app

    # In this process: a new one takes half a second to import what is here already.
    apps = {name: app(name) for name in ("local_runner.py", "vertex_runner.py")}
    apps["pipeline.lineage"] = lineage.lineage_app("local")

    def helped(command: str) -> tuple[int, str]:
        words = [word for word in shlex.split(command)[1:] if word != "-m"]
        if words[0] in apps:
            asked = testing.CliRunner().invoke(apps[words[0]], [*words[1:], "--help"])
            return asked.exit_code, asked.output
        done = subprocess.run(
            [sys.executable, *shlex.split(command)[1:], "--help"],
            cwd=repository,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    return helped


def test_every_python_command_of_the_documents_is_understood(repository, helped):
    commands = sorted(c for c in _commands(repository) if c.startswith("python "))

    assert len(commands) > 60
    for command in commands:
        code, shown = helped(command)
        assert code == 0, f"{command}: {shown}"
        for option in re.findall(r"--[a-z]+", command):
            assert option in shown, f"{command} has no {option}"


def test_every_outcome_is_in_the_table_with_its_exit_code(readme):
    for outcome in Outcome:
        assert f"| {outcome.name} | {outcome.value} |" in readme


def test_continuous_integration_runs_the_readmes_test_command_alone(repository):
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    lines = [line for line in script.splitlines() if line and not line.startswith("#")]

    assert lines[-1] == "CI=true exec make test"
    assert [line.split()[0] for line in lines] == ["set", "cd", "CI=true"]


def test_the_commit_hook_is_make_check(repository):
    hook = (repository / ".pre-commit-config.yaml").read_text(encoding="utf-8")

    assert re.findall(r"entry: (.*)", hook) == ["make check"]
