"""A published template runs without a file of it here."""

from __future__ import annotations

import hashlib
import json
import sys
from unittest import mock

import pytest
import typer

from pipeline import errors
from pipeline.commands import console
from pipeline.commands import templates as commands
from pipeline.config import config as config_lib
from pipeline.gcp import templates
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.templates import publishing
from pipeline.vertex.templates import run as template_run
from tests.fakes import google as google_lib
from tests.fakes import server


@pytest.fixture(scope="module")
def template():
    """Compiled with no image of its own yet."""
    config = config_lib.load((), (), platform="vertex").config
    spec = vertex.spec_yaml(vertex.compile_job(config))
    return spec.replace(config.vertex.image, "IMAGE")


@pytest.fixture
def content(template, google) -> bytes:
    return template.replace("IMAGE", google.image).encode()


@pytest.fixture
def config(google):
    overrides = (
        f"vertex.templates={google.templates}",
        f"vertex.project={server.PROJECT}",
        f"output_root=gs://{google_lib.BUCKET}/trips",
        f"vertex.service_account={google_lib.ACCOUNT}",
    )
    return config_lib.load((), overrides, platform="vertex").config


@pytest.fixture
def published(config, content):
    package = templates.package_of(config)
    publication = publishing.plan(package, content, ["latest"])
    publishing.publish(publication, content)
    return package, templates.find(package, "latest")


def test_the_request_names_the_version_and_runs_as_configured(config, published):
    package, template = published

    job = template_run.pipeline_job(
        config, package, template, {"training_train_steps": "20"}
    )

    assert job.template_uri == f"{package.url}/chicago-taxi/{template.version}"
    assert (
        job.runtime_config.gcs_output_directory == "gs://trips-bucket/trips/artifacts"
    )
    assert job.runtime_config.parameter_values["training_train_steps"] == "20"
    assert job.service_account == "runner@trips-project.iam.gserviceaccount.com"
    assert "Trainer" in job.pipeline_spec["components"]


def test_a_template_keeps_where_its_artifacts_go(content):
    """For Vertex's console, which asks nobody's configuration."""
    assert b"defaultPipelineRoot: gs://your-bucket/millrace/artifacts" in content


def test_parameters_are_held_against_the_template_and_the_configuration(
    config, published
):
    given = {"training_train_step": "20", "training_train_steps": "many"}

    with pytest.raises(errors.UsageError) as caught:
        template_run.pipeline_job(config, *published, given)

    text = str(caught.value)
    assert "Did you mean 'training_train_steps'?" in text
    assert "training_train_steps=many: " in text


def run(config, capsys, *words: str) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command("run-template")(commands.run_template)
    app.command("other")(lambda: None)
    settings = {
        "vertex.templates": config.vertex.templates,
        "vertex.project": config.vertex.project,
        "vertex.service_account": config.vertex.service_account,
        "output_root": config.output_root,
    }
    sets = [word for key in settings for word in ("--set", f"{key}={settings[key]}")]
    command = ["vertex_runner.py", "run-template", *sets, *words]
    with mock.patch.object(sys, "argv", command):
        code = console.run(app)
    return code, *capsys.readouterr()


def test_a_tag_starts_the_version_that_it_is_on(config, google, published, capsys):
    package, template = published

    code, out, err = run(
        config, capsys, "latest", "-p", "training_train_steps=20", "--run-id", "taxi-1"
    )

    assert (code, out) == (0, "taxi-1\n"), err
    [asked] = google.cloud.asked("CreatePipelineJob")
    assert asked.pipeline_job.template_uri == package.address(template.version)
    assert asked.pipeline_job_id == "taxi-1"
    assert "follow:  python vertex_runner.py status taxi-1 --wait" in err


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("buckets", "there is no bucket trips-bucket"),
        ("manifests", "the registry has no 127.0.0.1:"),
    ],
)
def test_what_the_checks_refuse_is_not_sent(
    config, google, published, capsys, missing, words
):
    """The image is the template's: the configuration's here is a placeholder."""
    getattr(google.rest, missing).clear()

    code, out, err = run(config, capsys, "latest")

    assert (code, out) == (2, "")
    assert words in err
    assert "nothing was sent: see what failed above" in err
    assert google.cloud.asked("CreatePipelineJob") == []


def test_a_dry_run_prints_the_request_and_sends_nothing(
    config, google, published, capsys
):
    package, template = published

    code, out, err = run(config, capsys, "latest", "--dry-run")

    assert code == 0, err
    job = json.loads(out)["pipelineJob"]
    assert job["templateUri"] == package.address(template.version)
    assert google.cloud.asked("CreatePipelineJob") == []


def test_an_unknown_tag_is_a_users_mistake(config, published, capsys):
    code, _, err = run(config, capsys, "newest")

    assert code == 2
    assert "there is no template 'newest'. Tags: latest" in err


def test_what_is_no_pipeline_is_not_run(config, google, published):
    package, template = published
    content = b"steps: 1\n"
    version = f"sha256:{hashlib.sha256(content).hexdigest()}"
    kept = google.registry.packages["chicago-taxi"].versions
    kept[version] = (content, kept[template.version][1])

    with pytest.raises(errors.CloudError, match=f"{version} is not a pipeline"):
        template_run.pipeline_job(config, package, templates.find(package, version), {})
