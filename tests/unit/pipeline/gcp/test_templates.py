"""Compiled pipelines in Artifact Registry: what a person may ask of them."""

from __future__ import annotations

import tomllib

import pytest

from pipeline import errors
from pipeline.config import config as config_lib
from pipeline.config.config import ROOT
from pipeline.gcp import template_files, templates
from pipeline.vertex.templates import publishing
from tests.fakes import server

REPOSITORY = "https://europe-west4-kfp.pkg.dev/trips-project/pipelines"


def spec(sdk: str = "tfx-1.21.0") -> bytes:
    return f"""\
components: {{}}
deploymentSpec: {{}}
pipelineInfo: {{name: chicago-taxi}}
root: {{dag: {{tasks: {{}}}}}}
schemaVersion: 2.1.0
sdkVersion: {sdk}
""".encode()


@pytest.fixture
def package(google) -> templates.Package:
    return templates.Package(google.templates, server.REGION, "chicago-taxi")


def publish(package, content: bytes, *tags: str) -> publishing.Publication:
    publication = publishing.plan(package, content, tags)
    publishing.publish(publication, content)
    return publication


def test_a_published_pipeline_is_there_under_each_of_its_tags(google, package):
    done = publish(package, spec(), "0123456789ab", "0.1.0", "latest")

    [template] = templates.versions(package)
    assert done.is_new
    assert template.version == done.version
    assert template.tags == ("0.1.0", "0123456789ab", "latest")
    assert template.created == "2026-11-25T12:01:00Z"
    assert template_files.download(package, template.version) == spec()
    assert [upload["content"] for upload in google.registry.uploads] == [spec()]


def test_the_same_bytes_twice_are_one_version_and_move_tags_only(google, package):
    first = publish(package, spec(), "latest")
    again = publish(package, spec(), "latest", "0.2.0")

    assert (first.is_new, again.is_new) == (True, False)
    assert again.version == first.version
    assert len(google.registry.uploads) == 1
    assert [move.before for move in again.moves] == [first.version, None]
    asked = [name for name, _ in google.cloud.calls if name.endswith("Tag")]
    assert asked == ["CreateTag", "CreateTag"]


def test_a_tag_moves_to_what_was_published_last(package):
    old = publish(package, spec(), "latest", "0.1.0")
    new = publish(package, spec("other"), "latest")

    assert new.moves == (templates.Move("latest", old.version, new.version),)
    assert templates.find(package, "latest").version == new.version
    assert templates.find(package, "0.1.0").version == old.version
    assert [t.version for t in templates.versions(package)] == [
        new.version,
        old.version,
    ]


def test_a_publication_that_was_cut_off_can_be_given_again(google, package):
    google.cloud.faults.append(("CreateTag", "UNAVAILABLE", "away"))
    with pytest.raises(errors.CloudUnavailable, match="put the tag latest on sha256:"):
        publish(package, spec(), "latest")

    again = publish(package, spec(), "latest")

    assert not again.is_new
    assert templates.find(package, "latest").version == again.version


def test_a_version_is_found_by_tag_name_and_first_digits(package):
    version = publish(package, spec(), "latest").version

    for reference in ("latest", version, version[:15], version[7:15]):
        assert templates.find(package, reference).version == version
    with pytest.raises(errors.UsageError, match="no template"):
        templates.find(package, version[7:14])
    with pytest.raises(errors.UsageError) as caught:
        templates.find(package, "lates")
    assert str(caught.value) == (
        "chicago-taxi: there is no template 'lates'. Tags: latest"
    )


def test_an_empty_registry_says_how_to_fill_it(package):
    assert templates.versions(package) == []
    with pytest.raises(errors.UsageError, match=r"Tags: none. To publish one: python"):
        templates.find(package, "latest")


def test_a_deleted_tag_leaves_the_version_and_a_deleted_version_nothing(package):
    version = publish(package, spec(), "latest", "0.1.0").version

    templates.delete_tag(package, "0.1.0")
    assert templates.find(package, version).tags == ("latest",)
    templates.delete_version(package, version)
    assert templates.versions(package) == []


def test_more_versions_than_a_page_are_all_listed(google, package):
    for number in range(1001):
        google.registry.upload(spec(f"v{number}"), [])

    assert len(templates.versions(package)) == 1001


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (
            403,
            errors.CloudError,
            "publish the template: permission denied: .*no upload",
        ),
        (429, errors.CloudUnavailable, "no upload. Nothing is lost"),
        (503, errors.CloudUnavailable, "no upload. Nothing is lost"),
    ],
)
def test_what_the_registry_says_no_to_is_told(google, package, status, error, words):
    google.registry.faults.append((status, "no upload"))

    with pytest.raises(error, match=words):
        publish(package, spec(), "latest")
    assert google.cloud.asked("CreateTag") == []


def test_a_repository_that_is_not_there_is_said(google):
    elsewhere = google.templates.replace("/pipelines", "/other")
    package = templates.Package(elsewhere, server.REGION, "chicago-taxi")

    with pytest.raises(errors.CloudError, match=r"Repository .*/other not found"):
        template_files.upload(package, spec())


def test_a_registry_that_is_not_reached_may_be_asked_again(google):
    package = templates.Package("https://localhost:9/p/r", server.REGION, "taxi")

    with pytest.raises(errors.CloudUnavailable, match="read the template: "):
        template_files.download(package, f"sha256:{'0' * 64}")


def test_bytes_that_are_not_those_of_the_version_are_refused(google, package):
    version = publish(package, spec(), "latest").version
    kept = google.registry.packages["chicago-taxi"].versions
    kept[version] = (spec("changed"), kept[version][1])

    with pytest.raises(errors.CloudError, match=f"and not {version}"):
        template_files.download(package, version)


def test_every_tag_that_is_none_is_named_before_anything_is_asked(google, package):
    with pytest.raises(errors.UsageError, match="'a b', 'sha256:1': not a tag"):
        publishing.plan(package, spec(), ["a b", "ok", "sha256:1"])
    assert google.cloud.calls == []


def test_what_is_kept_under_another_name_gets_no_tag(google, package):
    google.registry.renames_to = "penguins"

    with pytest.raises(errors.CloudError, match="keeps it as penguins/sha256:"):
        publish(package, spec(), "latest")
    assert google.cloud.asked("CreateTag") == []


@pytest.fixture
def git(monkeypatch, tmp_path):
    """A git that says of the tree what a test wants."""

    def git(says: str) -> None:
        program = tmp_path / "git"
        program.write_text(f"#!/bin/sh\necho {says}\n", "utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return git


def test_a_commit_is_published_as_itself_its_version_and_latest(git):
    git("0123456789ab")

    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "version"
    ]
    assert publishing.tags(["nightly"]) == [
        *("0123456789ab", version, "latest", "nightly")
    ]


def test_a_changed_tree_is_refused_and_never_moves_what_people_run(git):
    git("0123456789ab-dirty")

    with pytest.raises(errors.UsageError, match="publishes as 0123456789ab-dirty"):
        publishing.tags()
    assert publishing.tags(["mine"], allow_dirty=True) == ["0123456789ab-dirty", "mine"]


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (REPOSITORY.replace("europe-west4", "us-east1"), "us-east1"),
        ("https://proxy.example.com/trips-project/pipelines", "europe-west4"),
    ],
)
def test_the_region_is_the_repositorys_own_or_that_of_the_runs(url, region):
    config = config_lib.load((), [f"vertex.templates={url}"], platform="vertex").config

    assert templates.package_of(config).region == region


def test_without_a_repository_the_key_to_set_is_named():
    config = config_lib.load((), ["vertex.templates=null"], platform="vertex").config

    with pytest.raises(
        errors.ConfigError, match=r"vertex\.templates: is required here"
    ):
        templates.package_of(config)


def test_the_repository_is_read_off_the_configured_url():
    package = templates.Package(REPOSITORY, "europe-west4", "chicago-taxi")

    assert package.resource == (
        f"{server.PARENT}/repositories/pipelines/packages/chicago-taxi"
    )
    assert package.address("latest") == f"{REPOSITORY}/chicago-taxi/latest"
