"""A loss of power in a push: the old champion is there or the new one, complete."""

from __future__ import annotations

import pytest

from pipeline.components import pusher
from pipeline.registry import manifest
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import CHAMPION, Origin
from tests import power


@pytest.fixture
def root(tmp_path):
    (tmp_path / "output").mkdir()
    return tmp_path / "output"


def push(root, words: str) -> str:
    """As the Pusher does, from its artifact; the version's number."""
    saved = root / f"artifact-{words}"
    for name in ("saved_model.pb", "variables/variables.index", "assets/words"):
        (saved / name).parent.mkdir(parents=True, exist_ok=True)
        (saved / name).write_text(f"{words} of {name}")
    origin, content = Origin(run_id=f"run-{words}"), f"digest of {words}"
    digest = pusher._write_manifest(str(saved), origin, content)
    serving = root / "serving" / "taxi"
    registry = LocalRegistry(str(serving), "taxi")
    done = registry.push(
        lambda: pusher.push(str(saved), str(serving)), origin, digest, content, True
    )
    return done.version.number


def champion(left) -> str:
    """Who serves on such a disk; whatever is seen there or was moved is complete."""
    registry = LocalRegistry(str(left / "serving" / "taxi"), "taxi")
    seen = {version.number: version for version in registry.versions()}
    moved = {move.champion for move in registry.moves()}
    for number in {*seen, *moved}:
        assert registry.version(number).problem == ""
        assert manifest.read(left / "serving" / "taxi" / number) is not None
    serving = [v for v in seen.values() if CHAMPION in v.aliases]
    return serving[0].origin.run_id if serving else ""


@pytest.mark.parametrize("new_names", [False, True])
def test_at_every_instant_the_champion_is_the_old_one_or_the_new_one_and_complete(
    root, tmp_path, new_names
):
    disk, seen = power.Disk(root), []

    def look() -> None:
        seen.append(champion(disk.left(tmp_path / "left", new_names)))

    with disk.recorded(look):
        push(root, "old")
        look()
        acknowledged = len(seen)
        push(root, "new")
        look()

    assert set(seen[:acknowledged]) == {"", "run-old"}
    assert set(seen[acknowledged:]) == {"run-old", "run-new"}
    assert seen[-1] == "run-new"
    assert len(seen) > 40


def test_after_it_the_next_push_makes_a_whole_version(root, tmp_path):
    disk, states = power.Disk(root), []

    def look() -> None:
        states.append(disk.left(tmp_path / str(len(states))))

    with disk.recorded(look):
        push(root, "old")

    for left in states:
        push(left, "new")
        assert champion(left) == "run-new"
