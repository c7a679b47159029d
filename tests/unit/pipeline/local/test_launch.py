"""What is done around TFX's own launch of a node."""

from __future__ import annotations

import pytest
from tfx.orchestration.portable import launcher
from tfx.types import standard_artifacts

from pipeline.local import launch
from pipeline.recorded import Payload
from tests import power


@pytest.fixture
def publishes(monkeypatch):
    """Stands for TFX, which tells MLMD that the node is COMPLETE."""

    def publishes(what) -> None:
        monkeypatch.setattr(
            launcher.Launcher,
            "_publish_successful_execution",
            lambda *arguments: what(),
        )

    return publishes


def test_the_outputs_are_on_the_disk_before_mlmd_says_complete(tmp_path, publishes):
    root, left = tmp_path / "output", tmp_path / "left"
    root.mkdir()
    disk, model = power.Disk(root), standard_artifacts.Model()
    model.uri = str(root / "artifacts" / "Trainer" / "model" / "5")
    said = []
    publishes(lambda: said.append(disk.left(left)))
    with disk.recorded():
        graph = root / "artifacts/Trainer/model/5/Format-Serving/saved_model.pb"
        graph.parent.mkdir(parents=True)
        graph.write_text("graph")

        launch.NodeLauncher._publish_successful_execution(
            object.__new__(launch.NodeLauncher), 5, [], {"model": [model]}, None
        )

    assert said == [left]
    assert "saved_model.pb" in model.get_string_custom_property(Payload.CONTENT)
    assert (left / graph.relative_to(root)).read_text() == "graph"
