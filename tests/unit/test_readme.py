"""README tells the truth: its tree, its commands, its exit codes."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys

import pytest
from typer import testing

from pipeline.commands import lineage
from pipeline.outcome import Outcome


@pytest.fixture
def readme(repository) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def _tree(readme: str) -> list[str]:
    """The paths of the tree; a folder ends with a slash."""
    block = readme.partition("## Where things are")[2].split("```")[1]
    folders: list[str] = []
    paths = []
    for line in block.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        paths.append("".join(folders[:depth]) + name)
        if name.endswith("/"):
            folders[depth:] = [name]
    return paths


def test_the_tree_names_every_tracked_file_and_no_other(repository, readme):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = {f for f in listed.stdout.splitlines() if (repository / f).is_file()}
    tree = _tree(readme)
    # A folder without files of its own in the tree stands for all it holds.
    whole = [p for p in tree if p.endswith("/") and not _children(p, tree)]
    files = {path for path in tree if not path.endswith("/")}

    assert len(tree) == len(set(tree))
    assert files - tracked == set()
    assert {f for f in tracked - files if not f.startswith(tuple(whole))} == set()
    for folder in whole:
        assert any(file.startswith(folder) for file in tracked), folder


def _children(folder: str, tree: list[str]) -> list[str]:
    return [path for path in tree if path.startswith(folder) and path != folder]


def test_every_line_of_the_tree_says_what_it_is(readme):
    block = readme.partition("## Where things are")[2].split("```")[1]

    for line in block.strip().splitlines():
        name, _, words = line.strip().partition(" ")
        assert words.strip() or name.endswith("/"), line


def _commands(repository) -> set[str]:
    """All that the documents put in code and that starts with a command of ours."""
    found = set()
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "benchmarks/README.md",
        "docs/deploy.md",
    ):
        text = (repository / name).read_text(encoding="utf-8")
        code = re.findall(r"`([^`\n]+)`", text)
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            code += [line.split("#")[0].strip() for line in block.splitlines()]
        found |= {c for c in code if c.startswith(("make ", "python "))}
    return found


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

    assert len(commands) > 12
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

    assert lines[-1] == "exec make test"
    assert [line.split()[0] for line in lines] == ["set", "cd", "export", "exec"]


def test_the_commit_hook_is_make_check(repository):
    hook = (repository / ".pre-commit-config.yaml").read_text(encoding="utf-8")

    assert re.findall(r"entry: (.*)", hook) == ["make check"]
