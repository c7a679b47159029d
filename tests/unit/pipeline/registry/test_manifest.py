"""A version whose bytes are not those that were pushed cannot serve."""

from __future__ import annotations

import pytest

from pipeline.registry import manifest
from pipeline.registry.versions import Origin


@pytest.fixture
def version(serving):
    serving.write("7", run_id="run-1")
    return serving.folder / "7"


def test_a_complete_version_has_no_problem_and_says_what_it_was_made_of(version):
    recorded = manifest.digest((version / manifest.FILE).read_bytes())

    assert manifest.problem(version, recorded) == ""
    assert manifest.read(version).origin == Origin(run_id="run-1")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda v: (v / "saved_model.pb").unlink(), "saved_model.pb is missing"),
        (lambda v: (v / "saved_model.pb").write_text("grapf 7"), "is not the one that"),
        (
            lambda v: (v / "saved_model.pb").write_text("x"),
            "has 1 bytes and was pushed",
        ),
        (lambda v: (v / manifest.FILE).write_text("{}"), "is missing or damaged"),
        (lambda v: (v / manifest.FILE).unlink(), "is missing or damaged"),
    ],
)
def test_damage_is_named_with_the_file(version, damage, told):
    recorded = manifest.digest((version / manifest.FILE).read_bytes())
    damage(version)

    assert told in manifest.problem(version, recorded)


def test_file_and_manifest_changed_together_are_found_by_the_record(version):
    recorded = manifest.digest((version / manifest.FILE).read_bytes())
    other = manifest.compose(Origin(run_id="run-1"), {})
    (version / "saved_model.pb").write_text("evil")
    (version / manifest.FILE).write_bytes(other)

    assert manifest.problem(version, recorded) == (
        f"{version / manifest.FILE} is not the one that was pushed"
    )


def test_a_quick_look_reads_no_file(version):
    (version / "saved_model.pb").write_text("grapf 7")

    assert manifest.problem(version, thorough=False) == ""


def test_a_version_from_before_there_were_manifests_may_serve(version):
    (version / manifest.FILE).unlink()

    assert manifest.problem(version) == ""


def test_the_same_version_gives_the_same_manifest():
    first = manifest.compose(Origin(metrics={"a": 1.0, "b": 2.0}), {"x": (1, "s")})
    again = manifest.compose(Origin(metrics={"b": 2.0, "a": 1.0}), {"x": (1, "s")})

    assert first == again
