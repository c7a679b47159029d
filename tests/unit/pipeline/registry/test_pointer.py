"""What TensorFlow Serving reads says who is served, and nothing else."""

from __future__ import annotations

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
)

from pipeline.errors import UsageError
from pipeline.registry import pointer
from pipeline.registry.pointer import Pointer

_TYPE = descriptor_pb2.FieldDescriptorProto.Type


def _message(file, message, /, **fields):
    made = file.message_type.add(name=message)
    for number, (field, (kind, repeated)) in enumerate(fields.items(), 1):
        of = {"type": _TYPE.Value(f"TYPE_{kind}")} if kind.isupper() else {}
        if not of:
            of = {"type": _TYPE.TYPE_MESSAGE, "type_name": f".{kind}"}
        made.field.add(name=field, number=number, label=3 if repeated else 1, **of)


@pytest.fixture(scope="module")
def server_config():
    """TensorFlow Serving's ModelServerConfig, as its documentation has it."""
    file = descriptor_pb2.FileDescriptorProto(name="serving.proto", syntax="proto3")
    _message(file, "Specific", versions=("INT64", True))
    _message(file, "Policy", specific=("Specific", False))
    _message(
        file,
        "ModelConfig",
        name=("STRING", False),
        base_path=("STRING", False),
        model_platform=("STRING", False),
        model_version_policy=("Policy", False),
    )
    _message(file, "ModelConfigList", config=("ModelConfig", True))
    _message(file, "ModelServerConfig", model_config_list=("ModelConfigList", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("ModelServerConfig")
    return message_factory.GetMessageClass(found)


def served(server_config, text: str) -> dict[str, tuple[str, list[int]]]:
    parsed = text_format.Parse(text, server_config())
    return {
        config.name: (
            config.base_path,
            list(config.model_version_policy.specific.versions),
        )
        for config in parsed.model_config_list.config
    }


def test_tensorflow_serving_reads_one_version_for_each_name(server_config):
    text = pointer.text(Pointer("7", "9", "m1"), "taxi", '/models/"ta xi"')

    assert served(server_config, text) == {
        "taxi": ('/models/"ta xi"', [7]),
        "taxi-candidate": ('/models/"ta xi"', [9]),
    }


def test_a_candidate_before_the_first_champion_is_not_served_as_taxi(server_config):
    text = pointer.text(Pointer("", "9", "m1"), "taxi", "/models")

    assert served(server_config, text) == {"taxi-candidate": ("/models", [9])}


@pytest.mark.parametrize(
    "said", [Pointer("7", "9", "m1"), Pointer("7", "", "m2"), Pointer("", "9", "m3")]
)
def test_what_was_written_is_read_back(tmp_path, said):
    pointer.replace(tmp_path, pointer.text(said, "taxi", str(tmp_path)))

    assert pointer.read(tmp_path, "taxi") == said


def test_before_the_first_move_nobody_is_served(tmp_path):
    assert pointer.read(tmp_path, "taxi") == Pointer()


@pytest.mark.parametrize(
    "text",
    [
        "model_config_list {}",
        "",
        pointer.text(Pointer("7", "", "m1"), "penguins", "/models"),
    ],
)
def test_a_file_of_somebody_else_is_refused_and_kept(tmp_path, text):
    (tmp_path / pointer.FILE).write_text(text)

    with pytest.raises(UsageError, match="was not written by `model promote` for taxi"):
        pointer.read(tmp_path, "taxi")

    assert (tmp_path / pointer.FILE).read_text() == text
