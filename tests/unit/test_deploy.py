"""The Terraform: it parses, gives what the code asks for, and no more than that."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "deploy").glob("*.tf"))


def _without_comments(text: str) -> str:
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def terraform() -> str:
    return "\n".join(_without_comments(file.read_text("utf-8")) for file in FILES)


def _roles(text: str) -> set[str]:
    return set(re.findall(r"\broles/[A-Za-z.]+", text))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_bracket_is_closed(file):
    open_: list[str] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    text = _without_comments(file.read_text("utf-8"))
    for letter in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        if letter in pairs.values():
            open_.append(letter)
        elif letter in pairs:
            assert open_.pop() == pairs[letter]

    assert open_ == []


def test_terraform_itself_reads_it():
    """Its own parser, where it is installed; formatting needs no provider."""
    if shutil.which("terraform") is None:
        pytest.skip("no terraform on this machine; brackets and names were checked")
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", str(ROOT / "deploy")],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_is_named_is_declared(terraform):
    declared = {
        f"{kind}.{name}"
        for kind, name in re.findall(r'resource "(\w+)" "(\w+)"', terraform)
    }
    used = set(re.findall(r"\b(google_\w+\.\w+)", terraform))
    variables = set(re.findall(r'variable "(\w+)"', terraform))

    assert len(declared) > 10
    assert used - declared == set()
    assert set(re.findall(r"\bvar\.(\w+)", terraform)) == variables
    local = terraform.partition("locals {")[2].partition("\n}")[0]
    names = set(re.findall(r"^  (\w+) +=", local, re.MULTILINE))
    assert set(re.findall(r"\blocal\.(\w+)", terraform)) == names


def test_no_account_may_do_everything(terraform):
    for role in _roles(terraform):
        assert role not in ("roles/owner", "roles/editor", "roles/viewer"), role
        assert not role.lower().endswith(".admin"), role
    assert "google_project_iam_policy" not in terraform
    assert "google_service_account_key" not in terraform


def test_no_account_may_read_secrets_or_be_another_in_the_whole_project(terraform):
    wide = terraform.partition("project_roles = {")[2].partition("}\n\n")[0]

    for narrow in ("secretmanager", "iam.", "storage.", "artifactregistry."):
        assert f"roles/{narrow}" not in wide


def test_every_role_that_the_commands_ask_for_is_granted(terraform):
    code = [file.read_text("utf-8") for file in (ROOT / "pipeline").rglob("*.py")]
    asked = _roles("\n".join(code))

    assert "roles/iam.serviceAccountUser" in asked
    assert asked - _roles(terraform) == set()


def test_every_api_that_the_commands_ask_for_is_switched_on(terraform):
    from pipeline.vertex.runs import checks

    asked = {f"{name}.googleapis.com" for name in (*checks._APIS, "secretmanager")}

    assert asked <= set(re.findall(r'"(\w+\.googleapis\.com)"', terraform))


def test_a_secrets_value_never_passes_through_it(terraform):
    assert 'resource "google_secret_manager_secret" ' in terraform
    assert "google_secret_manager_secret_version" not in terraform
    assert "secret_data" not in terraform


def test_its_page_says_that_it_was_never_run():
    readme = (ROOT / "deploy" / "README.md").read_text("utf-8")

    assert "never applied where it was written" in readme
