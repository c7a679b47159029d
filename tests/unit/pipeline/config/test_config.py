"""Configuration: which layer wins, what is refused and in which words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pydantic
import pytest
import yaml

from pipeline.config import config as config_lib
from pipeline.config.model_card import ModelCardConfig
from pipeline.errors import ConfigError

BASE = """
    pipeline_name: trips
    data:
      path: data
      schema_file: schema.pbtxt
      splits: {train: 6, eval: 2, test: 2}
    features:
      numeric: [miles, fare]
      buckets: {latitude: 10}
      label: {name: tipped, rule: equals, column: tip, value: 'yes'}
    training: {batch_size: 64, learning_rate: 0.1}
    evaluation:
      thresholds:
        auc: {min: 0.8}
        accuracy: {min: 0.7}
"""

LOCAL = """
    output_root: output
    training: {batch_size: 32}
"""


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A repository of its own, with small layers."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "taxi").mkdir()
    (tmp_path / "configs" / "base.yaml").write_text("push: {check_rows: 20}\n")
    (tmp_path / "configs" / "taxi" / "taxi.yaml").write_text(dedent(BASE))
    (tmp_path / "configs" / "local.yaml").write_text(dedent(LOCAL))
    monkeypatch.setattr(config_lib, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def write(tmp_path):
    """Writes a file of the user; returns its path."""

    def write(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(dedent(text))
        return path

    return write


def refusal(files=(), overrides=()) -> str:
    with pytest.raises(ConfigError) as caught:
        config_lib.load(files, overrides)
    return str(caught.value)


# Layers


def test_local_wins_over_base(root):
    config = config_lib.load().config

    assert config.training.batch_size == 32
    assert config.training.learning_rate == 0.1


def test_the_users_file_wins_over_local(root, write):
    config = config_lib.load([write("training: {batch_size: 16}")]).config

    assert config.training.batch_size == 16


def test_a_later_file_of_the_user_wins_over_an_earlier_one(root, write):
    first = write("training: {batch_size: 16, patience: 9}", "a.yaml")
    second = write("training: {batch_size: 8}", "b.yaml")

    config = config_lib.load([first, second]).config

    assert (config.training.batch_size, config.training.patience) == (8, 9)


def test_set_wins_over_every_file(root, write):
    file = write("training: {batch_size: 16}")

    config = config_lib.load([file], ["training.batch_size=4"]).config

    assert config.training.batch_size == 4


def test_a_later_set_wins_over_an_earlier_one(root):
    sets = ["training.batch_size=4", "training.batch_size=5"]

    assert config_lib.load(overrides=sets).config.training.batch_size == 5


def test_the_vertex_layer_takes_the_place_of_local(root, write):
    (root / "configs" / "vertex.yaml").write_text("output_root: gs://bucket/x\n")

    config = config_lib.load(platform="vertex").config

    assert config.output_root == "gs://bucket/x"
    assert config.training.batch_size == 64


def test_a_file_replaces_the_whole_of_features(root, write):
    file = write("""
        pipeline_name: shop
        data: {path: in, schema_file: s.pbtxt}
        features:
          numeric: [age]
          label: {name: bought, rule: equals, column: sale, value: '1'}
    """)

    config = config_lib.load([file]).config

    assert config.features.columns == ("age",)
    assert config.features.label.name == "bought"
    # Nor bounds, slices, training or card of the example; what is true of any data is.
    assert config.evaluation.thresholds == {}
    assert config.training.batch_size == 32
    assert config.push.check_rows == 20


def test_a_file_without_features_lies_over_the_example(root, write):
    file = write("push: {max_size_mb: 7}")

    config = config_lib.load([file]).config

    assert config.features.label.name == "tipped"
    assert (config.push.check_rows, config.push.max_size_mb) == (20, 7)


def test_set_replaces_nothing_of_the_example(root):
    config = config_lib.load((), ["features.numeric=[miles]"]).config

    assert config.features.numeric == ("miles",)
    assert config.features.label.name == "tipped"
    assert list(config.evaluation.thresholds) == ["auc", "accuracy"]


def test_the_example_says_nothing_of_anybody_else_s_model(repository):
    file = repository / "configs" / "penguins" / "penguins.yaml"

    config = config_lib.load([file]).config

    assert config.model_card == ModelCardConfig()
    assert "taxi" not in config.model_dump_json()


def test_a_file_replaces_the_whole_of_the_thresholds(root, write):
    file = write("evaluation: {thresholds: {recall: {min: 0.1}}}")

    assert list(config_lib.load([file]).config.evaluation.thresholds) == ["recall"]


def test_a_file_that_names_one_split_has_dropped_the_others(root, write):
    file = write("data: {splits: {train: 9}}")

    assert refusal([file]) == (
        "the configuration is not valid:\n"
        f"  data.splits ({file}): needs train, eval and test, each 1 or more buckets."
    )


def test_set_changes_one_threshold_and_keeps_the_rest(root):
    sets = ["evaluation.thresholds.auc.min=0.5"]

    thresholds = config_lib.load(overrides=sets).config.evaluation.thresholds

    assert (thresholds["auc"].min, thresholds["accuracy"].min) == (0.5, 0.7)


def test_set_changes_one_split_and_keeps_the_rest(root):
    splits = config_lib.load(overrides=["data.splits.train=1"]).config.data.splits

    assert splits == {"train": 1, "eval": 2, "test": 2}


def test_set_changes_one_role_of_the_features_and_keeps_the_rest(root):
    features = config_lib.load(overrides=["features.numeric=[fare]"]).config.features

    assert features.columns == ("fare", "latitude")


def test_an_empty_file_changes_nothing(root, write):
    file = write("# nothing yet\n")

    assert config_lib.load([file]).config == config_lib.load().config


def test_two_keys_that_share_a_yaml_anchor_are_set_apart(root, write):
    file = write("evaluation: {thresholds: {auc: &same {min: 0.8}, recall: *same}}")

    config = config_lib.load([file], ["evaluation.thresholds.auc.min=0.5"]).config

    thresholds = config.evaluation.thresholds
    assert (thresholds["auc"].min, thresholds["recall"].min) == (0.5, 0.8)


# Origins


def test_each_value_knows_the_file_that_set_it(root, write):
    file = write("training: {patience: 9}")

    origins = config_lib.load([file], ["training.seed=1"]).origins

    assert origins["training.learning_rate"] == str(
        root / "configs" / "taxi" / "taxi.yaml"
    )
    assert origins["training.batch_size"] == str(root / "configs" / "local.yaml")
    assert origins["training.patience"] == str(file)
    assert origins["training.seed"] == "--set"
    assert "training.max_epochs" not in origins


def test_a_replaced_mapping_leaves_no_origin_of_the_old_one(root, write):
    file = write("evaluation: {thresholds: {recall: {min: 0.1}}}")

    origins = config_lib.load([file]).origins

    assert {key for key in origins if key.startswith("evaluation.")} == {
        "evaluation.thresholds.recall.min"
    }


# Refusals


def test_an_unknown_key_is_refused_with_a_suggestion(root, write):
    file = write("training: {learnig_rate: 0.1}")

    assert refusal([file]) == (
        "the configuration is not valid:\n"
        f"  training.learnig_rate ({file}): unknown key. Did you mean 'learning_rate'?"
    )


def test_an_unknown_key_like_no_other_is_refused_with_all_that_exist(root):
    assert refusal(overrides=["push.zzz=1"]) == (
        "the configuration is not valid:\n"
        "  push.zzz (--set): unknown key. "
        "Known: check_rows, max_p95_ms, max_size_mb, path, promote, seen_as."
    )


def test_a_key_inside_a_list_gets_a_suggestion_too(root):
    sets = ["evaluation.slices=[{column: hour, floors: {auc: {mim: 0.5, max: 1}}}]"]

    assert refusal(overrides=sets) == (
        "the configuration is not valid:\n"
        "  evaluation.slices.0.floors.auc.mim (--set): "
        "unknown key. Did you mean 'min'?"
    )


def test_an_unknown_model_is_refused_with_the_known_ones(root):
    assert refusal(overrides=["training.model=wide_deap"]) == (
        "the configuration is not valid:\n"
        "  training.model (--set): "
        "Input should be 'linear', 'dnn' or 'wide_deep'; got 'wide_deap'."
    )


def test_an_unknown_metric_is_refused_with_the_known_ones(root, write):
    file = write("evaluation: {thresholds: {f1: {min: 0.5}}}")

    assert refusal([file]) == (
        "the configuration is not valid:\n"
        f"  evaluation.thresholds ({file}): 'f1' is not a metric here. Known: "
        "accuracy, auc, calibration, example_count, mean_label, mean_prediction, "
        "precision, recall."
    )


def test_a_threshold_without_a_bound_is_refused(root):
    assert refusal(overrides=["evaluation.thresholds.recall={}"]) == (
        "the configuration is not valid:\n"
        "  evaluation.thresholds.recall (--set): give min, max or max_loss."
    )


def test_a_feature_that_makes_the_label_is_refused(root, write):
    file = write("""
        pipeline_name: shop
        data: {path: in, schema_file: s.pbtxt}
        features:
          numeric: [fare, tip]
          label: {name: tipped, rule: equals, column: tip, value: '1'}
    """)

    assert refusal([file]) == (
        "the configuration is not valid:\n"
        f"  features ({file}): 'tip' makes the label and is a feature too: "
        "the model would be told the answer."
    )


def test_a_required_key_that_no_layer_sets_is_named(root):
    (root / "configs" / "local.yaml").write_text("{}")

    assert refusal() == (
        "the configuration is not valid:\n"
        "  output_root (no layer sets it): is required and missing."
    )


def test_every_problem_is_named_at_once(root, write):
    file = write("""
        pipeline_name: Has Spaces
        training: {dropout: 1, learning_rate: -1}
    """)

    text = refusal([file], ["training.model=cnn", "data.sample=0"])

    assert text.splitlines() == [
        "the configuration is not valid:",
        (
            f"  pipeline_name ({file}): expected 1 to 56 lower-case letters, digits "
            "and dashes, and no dash at the start; 'has-spaces' would do; "
            "got 'Has Spaces'."
        ),
        "  data.sample (--set): Input should be greater than or equal to 1; got 0.",
        (
            "  training.model (--set): "
            "Input should be 'linear', 'dnn' or 'wide_deep'; got 'cnn'."
        ),
        f"  training.learning_rate ({file}): Input should be greater than 0; got -1.",
        (
            f"  training.dropout ({file}): unknown key. Known: batch_size, hparams, "
            "learning_rate, max_epochs, model, patience, seed, train_steps."
        ),
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Chicago_Taxi", "; 'chicago-taxi' would do"),
        ("-taxi", "; 'taxi' would do"),
        ("t" * 57, f"; '{'t' * 56}' would do"),
        ("'__'", "; got"),
    ],
)
def test_a_name_that_vertex_would_refuse_is_refused_with_one_that_would_do(
    root, name, hint
):
    text = refusal(overrides=[f"pipeline_name={name}"])

    assert "lower-case letters, digits and dashes" in text
    assert hint in text


def test_a_number_with_a_comma_is_refused_with_what_was_seen(root):
    assert refusal(overrides=["training.learning_rate=0,8"]) == (
        "the configuration is not valid:\n"
        "  training.learning_rate (--set): Input should be a valid number, "
        "unable to parse string as a number; got '0,8'."
    )


def test_a_missing_file_is_named(root, tmp_path):
    file = tmp_path / "gone.yaml"

    assert refusal([file]) == f"{file}: cannot be read: No such file or directory"


def test_a_folder_is_no_configuration(root, tmp_path):
    assert refusal([tmp_path]) == f"{tmp_path}: cannot be read: Is a directory"


def test_bad_yaml_is_named_with_its_line(root, write):
    file = write("training:\n  model: [linear\nseed: 1\n")

    text = refusal([file])

    assert text.startswith(f"{file}, line 3, column 5: is not YAML: ")


def test_a_file_that_is_not_utf_8_is_named(root, tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("pipeline_name: caf\xe9\n".encode("latin-1"))

    assert refusal([file]).startswith(f"{file}: is not UTF-8: ")


def test_a_file_without_keys_is_refused(root, write):
    file = write("- a\n- b\n")

    assert refusal([file]) == f"{file}: expected keys and values, got ['a', 'b']"


@pytest.mark.parametrize("override", ["training.seed", "=3", "training..seed=3"])
def test_a_set_that_is_no_assignment_is_refused(root, override):
    assert refusal(overrides=[override]) == (
        f"--set {override}: expected key=value, such as a.b=3"
    )


# Paths


def test_a_relative_path_of_a_file_starts_at_the_repository(
    root, tmp_path_factory, monkeypatch
):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    config = config_lib.load().config

    assert config.data.path == str(root / "data")
    assert config.data.schema_file == str(root / "schema.pbtxt")
    assert config.output_root == str(root / "output")


def test_a_relative_path_of_set_starts_in_the_current_folder(
    root, tmp_path_factory, monkeypatch
):
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)

    config = config_lib.load(overrides=["data.path=../trips", "push.path=out"]).config

    assert config.data.path == str(here.parent / "trips")
    assert config.push.path == str(here / "out")


def test_an_absolute_path_and_an_address_stay_as_they_are(root):
    sets = ["data.path=/data/trips", "output_root=gs://bucket/a/../b"]

    config = config_lib.load(overrides=sets).config

    assert config.data.path == "/data/trips"
    assert config.output_root == "gs://bucket/a/../b"


def test_a_package_path_lies_inside_the_installed_package(root):
    config = config_lib.load(overrides=["data.path=package:yaml/some/folder"]).config

    assert config.data.path == str(Path(yaml.__file__).parent / "some" / "folder")


def test_a_package_that_is_not_installed_is_named(root):
    assert refusal(overrides=["data.path=package:no_such_thing/data"]) == (
        "data.path (--set): no package 'no_such_thing' is installed."
    )


def test_the_serving_folder_lies_under_the_output_root_unless_it_is_set(root):
    config = config_lib.load().config
    moved = config_lib.load(overrides=["push.path=/srv/models"]).config

    assert config.serving_path == str(root / "output" / "serving" / "trips")
    assert moved.serving_path == "/srv/models"


# The value


def test_a_configuration_cannot_be_changed(root):
    config = config_lib.load().config

    with pytest.raises(pydantic.ValidationError, match="frozen"):
        config.pipeline_name = "other"
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        config.training.batch_size = 1


def test_the_digest_is_the_same_for_the_same_values(root, write):
    file = write("training: {learning_rate: 0.1, batch_size: 32}")

    assert config_lib.load([file]).config.digest == config_lib.load().config.digest


@pytest.mark.parametrize(
    "override",
    ["training.seed=1", "evaluation.thresholds.auc.min=0.81", "features.numeric=[a]"],
)
def test_the_digest_changes_with_any_value(root, override):
    changed = config_lib.load(overrides=[override]).config

    assert changed.digest != config_lib.load().config.digest


def test_a_configuration_survives_being_written_down(root):
    config = config_lib.load().config

    again = config_lib.Config.model_validate_json(config.model_dump_json())

    assert again == config
    assert again.digest == config.digest


def test_the_shipped_layers_are_valid_for_both_platforms():
    local = config_lib.load().config
    vertex = config_lib.load(platform="vertex").config

    assert local.vertex is None
    assert vertex.vertex is not None
    assert local.features == vertex.features
    assert Path(local.data.schema_file).is_file()
    assert any(Path(local.data.path).glob("*.csv"))


# What loading costs and reads


class _Watched(dict):
    """An environment that tells who read it."""

    read: list[str]

    def __getitem__(self, key):
        self.read.append(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.read.append(key)
        return super().get(key, default)


def test_loading_reads_no_environment_variable(root, monkeypatch):
    watched = _Watched(os.environ)
    watched.read = []
    monkeypatch.setattr(os, "environ", watched)

    config_lib.load(overrides=["training.seed=1"])

    assert watched.read == []


def test_loading_imports_nothing_heavy(repository):
    script = (
        "import json, sys; from pipeline.config import config; config.load();"
        "print(json.dumps(sorted(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=repository,
        check=True,
    )

    heavy = {"tfx", "tensorflow", "tensorflow_transform", "keras", "apache_beam"}
    assert heavy & set(json.loads(done.stdout)) == set()
