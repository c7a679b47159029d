"""What is missing for a job is said at once, each with the command that mends it."""

from __future__ import annotations

import pytest

from pipeline.vertex.runs import checks
from tests.fakes import server
from tests.fakes.google import ACCOUNT, DIGEST

TESTER = f"tester@{server.PROJECT}.iam.gserviceaccount.com"
NAMES = [
    "credentials",
    "project",
    "bucket",
    "data",
    "APIs",
    "service account",
    "image",
    "paths",
    "parameters",
]


def run(google, *overrides: str, **more) -> dict[str, checks.Check]:
    found = checks.run(google.config(*overrides), **more)
    assert [check.name for check in found] == NAMES
    return {check.name: check for check in found}


def failed(found: dict[str, checks.Check]) -> list[str]:
    return [check.name for check in found.values() if check.state != "ok"]


def test_where_everything_is_there_each_check_says_what_it_saw(google):
    found = run(google)

    assert failed(found) == []
    assert found["credentials"].words == TESTER
    assert found["project"].words == "trips-project, number 123"
    assert found["bucket"].words == "trips-bucket in europe-west4"
    assert found["service account"].words == ACCOUNT


def test_without_credentials_nothing_is_asked_and_that_is_said(
    google, monkeypatch, tmp_path
):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))

    found = run(google)

    assert found["credentials"].state == "failed"
    assert "gcloud auth application-default login" in found["credentials"].mend
    assert found["parameters"].state == "ok"
    assert {c.state for c in found.values()} == {"failed", "not asked", "ok"}
    assert google.rest.requests == []


def test_a_project_that_nobody_sees_fails_alone_or_with_what_hangs_on_it(google):
    found = run(google, "vertex.project=other")

    assert found["project"].state == "failed"
    assert f"no project other that {TESTER} may see" in found["project"].words
    assert found["bucket"].state == "ok"


def test_a_bucket_that_is_not_there_can_be_made(google):
    google.rest.buckets.clear()

    bucket = run(google)["bucket"]

    assert (bucket.state, bucket.words) == ("failed", "there is no bucket trips-bucket")
    assert bucket.mend == (
        "gcloud storage buckets create gs://trips-bucket --location=europe-west4 "
        "--project=trips-project"
    )


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"location": "EUROPE-WEST4"}, "ok"),
        ({"location": "EU"}, "ok"),
        ({"location": "EUR4"}, "ok"),
        (
            {
                "location": "EU",
                "customPlacementConfig": {
                    "dataLocations": ["EUROPE-WEST1", "EUROPE-WEST4"]
                },
            },
            "ok",
        ),
        ({"location": "EUROPE-WEST1"}, "failed"),
        ({"location": "US"}, "failed"),
        ({"location": "NAM4"}, "failed"),
    ],
)
def test_a_bucket_in_another_region_is_refused(google, fields, state):
    google.rest.buckets["trips-bucket"] = fields

    bucket = run(google)["bucket"]

    assert bucket.state == state
    if state == "failed":
        assert "and the job runs in europe-west4" in bucket.words
        assert "set vertex.region to " in bucket.mend


@pytest.mark.parametrize(
    ("overrides", "fault", "words", "mend"),
    [
        (
            ("data.path=gs://other/rows",),
            None,
            "data.path: there is no bucket other",
            "",
        ),
        (
            ("data.path=gs://trips-bucket/row",),
            None,
            "data.path: nothing lies in gs://trips-bucket/row",
            "gcloud storage cp -r FOLDER gs://trips-bucket/row",
        ),
        (
            ("data.path=gs://trips-bucket/rows",),
            403,
            f"data.path: {TESTER} may not read gs://trips-bucket/rows: fault 403",
            (
                "gcloud storage buckets add-iam-policy-binding gs://trips-bucket "
                f"--member=serviceAccount:{TESTER} --role=roles/storage.objectViewer"
            ),
        ),
        (("push.path=gs://other/m",), None, "push.path: there is no bucket other", ""),
    ],
)
def test_data_in_a_bucket_must_be_there_and_readable(
    google, overrides, fault, words, mend
):
    google.rest.objects["gs://trips-bucket/rows/a.csv"] = b"fare"
    if fault:
        google.rest.faults["/storage/v1/b/trips-bucket/o"] = fault

    data = run(google, *overrides)["data"]

    assert (data.state, data.words) == ("failed", words)
    assert mend in data.mend


def test_data_that_are_there_are_said(google):
    google.rest.objects["gs://trips-bucket/rows/a.csv"] = b"fare"

    data = run(google, "data.path=gs://trips-bucket/rows")["data"]

    assert (data.state, data.words) == ("ok", "gs://trips-bucket/rows")


def test_a_path_of_this_machine_is_told_before_anything_is_sent(google, tmp_path):
    found = run(google, f"data.path={tmp_path}")

    assert failed(found) == ["paths"]
    assert f"data.path: {tmp_path} is a folder of this machine" in found["paths"].words


def test_a_folder_is_no_bucket(google):
    bucket = run(google, "output_root=/data/out")["bucket"]

    assert "output_root is a folder, /data/out" in bucket.words


def test_services_that_are_off_are_named_with_the_command_that_enables_them(google):
    google.rest.enabled -= {"iam.googleapis.com", "aiplatform.googleapis.com"}

    apis = run(google)["APIs"]

    assert apis.mend == (
        "gcloud services enable aiplatform.googleapis.com iam.googleapis.com "
        "--project=trips-project"
    )


def test_secret_manager_must_be_on_when_a_secret_is_there(google):
    secret = "sm://projects/p/secrets/team/versions/1"
    channel = f"notifications.channels.team={{kind: service, url: '{secret}'}}"

    apis = run(google, channel)["APIs"]

    assert apis.words == "secretmanager.googleapis.com: not enabled"


def test_a_service_account_must_be_there_and_usable(google):
    google.rest.accounts[ACCOUNT] = set()
    unusable = run(google)["service account"]
    google.rest.accounts.clear()
    missing = run(google)["service account"]

    assert unusable.words.startswith(f"{TESTER} may not run tasks as {ACCOUNT}")
    assert unusable.mend == (
        f"gcloud iam service-accounts add-iam-policy-binding {ACCOUNT} "
        f"--member=serviceAccount:{TESTER} --role=roles/iam.serviceAccountUser"
    )
    assert missing.words == f"there is no {ACCOUNT}"
    assert "service-accounts create runner" in missing.mend


def test_the_default_service_account_is_a_warning(google):
    found = run(google, "vertex.service_account=null")

    assert found["service account"].state == "warning"


def test_an_image_that_the_registry_has_not_is_refused(google):
    google.rest.manifests.clear()

    image = run(google)["image"]

    assert image.state == "failed"
    assert image.words.startswith("the registry has no ")


def test_an_image_by_tag_is_a_warning_with_the_digest_to_write(google):
    place = google.image.partition("@")[0]
    google.rest.manifests[f"{place.partition('/')[2]}:nightly"] = DIGEST

    image = run(google, f"vertex.image={place}:nightly")["image"]

    assert image.state == "warning"
    assert image.mend == f"set vertex.image to {place}@{DIGEST}"


def test_a_name_that_is_no_image_is_refused(google):
    assert "is not an image" in run(google, "vertex.image=mill race")["image"].words


def test_what_nobody_has_replaced_yet_is_named_and_not_asked_for(google):
    found = run(
        google,
        "vertex.project=your-project",
        "output_root=gs://your-bucket/millrace",
        f"vertex.image=europe-docker.pkg.dev/p/r/i@sha256:{'0' * 64}",
    )

    assert failed(found) == ["project", "bucket", "APIs", "image"]
    assert found["project"].words == "vertex.project still is 'your-project'"
    assert not any("your-bucket" in each for each in google.rest.requests)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("training_train_steps=abc", "valid integer"),
        ("trainig_model=dnn", "Did you mean 'training_model'?"),
        ("training_model", "expected NAME=VALUE"),
    ],
)
def test_parameters_are_checked_as_the_job_will_declare_them(google, given, problem):
    found = run(google, parameters=[given])

    assert failed(found) == ["parameters"]
    assert problem in found["parameters"].words


@pytest.mark.parametrize("status", [403, 503])
def test_a_refusal_is_told_in_the_services_words(google, status):
    google.rest.faults["/storage"] = status

    assert f"fault {status}" in run(google)["bucket"].words


def test_services_that_do_not_answer_are_not_waited_for_beyond_the_limit(google):
    google.rest.silent = True

    found = run(google, limit_s=0.05)

    late = [c.name for c in found.values() if c.words == "no answer in 0.05 s"]
    assert late == ["project", "bucket", "APIs", "service account", "image"]
    assert found["parameters"].state == "ok"


def test_a_service_that_cannot_be_reached_is_named(google, monkeypatch):
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM", "http://127.0.0.1:9")

    found = run(google)

    assert failed(found) == ["service account"]
    assert "127.0.0.1:9" in found["service account"].words
