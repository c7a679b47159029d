"""ExampleGen's fingerprint: the content decides, nothing else."""

from __future__ import annotations

import hashlib
import os

import pytest
from tfx.proto import example_gen_pb2

from pipeline.components import ingestion


@pytest.fixture
def data(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_text("x\n22\n")
    return tmp_path


def fingerprint(folder) -> str:
    """As TFX's driver asks for it."""
    split = example_gen_pb2.Input.Split(name="single_split", pattern="*")
    processor = ingestion.ContentDriver(None).get_input_processor(
        [split], input_base_uri=str(folder)
    )
    return processor.get_input_fingerprint(0, None)


def test_the_fingerprint_says_files_bytes_and_content(data):
    first, second = (
        hashlib.sha256((data / name).read_bytes()).hexdigest()
        for name in ("a.csv", "b.csv")
    )
    total = hashlib.sha256(f"a.csv\0{first}\nb.csv\0{second}\n".encode()).hexdigest()

    assert fingerprint(data) == f"files:2,bytes:9,sha256:{total}"


def test_a_touched_file_is_the_same_file(data):
    before = fingerprint(data)
    os.utime(data / "a.csv", (0, 0))

    assert fingerprint(data) == before


def test_one_byte_of_the_same_size_and_time_is_another_file(data):
    before, stat = fingerprint(data), (data / "a.csv").stat()
    (data / "a.csv").write_text("x\n2\n")
    os.utime(data / "a.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert (data / "a.csv").stat().st_mtime_ns == stat.st_mtime_ns
    assert fingerprint(data) != before


def test_the_order_of_making_the_files_does_not_matter(data, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for name in ("b.csv", "a.csv"):
        (other / name).write_bytes((data / name).read_bytes())

    assert fingerprint(other) == fingerprint(data)


def test_a_renamed_file_is_another_input(data):
    before = fingerprint(data)
    (data / "b.csv").rename(data / "c.csv")

    assert fingerprint(data) != before


def test_one_more_file_is_another_input(data):
    before = fingerprint(data)
    (data / "c.csv").write_text("")

    assert fingerprint(data) != before


def test_no_files_have_a_fingerprint_too():
    empty = hashlib.sha256().hexdigest()

    assert ingestion.content_fingerprint([]) == f"files:0,bytes:0,sha256:{empty}"


def test_the_node_splits_by_the_buckets_of_the_configuration(data):
    node = ingestion.example_gen(str(data), {"train": 3, "eval": 1, "test": 2})

    output = example_gen_pb2.Output()
    from google.protobuf import json_format

    json_format.Parse(node.exec_properties["output_config"], output)
    assert node.id == "ExampleGen"
    assert [(s.name, s.hash_buckets) for s in output.split_config.splits] == [
        ("train", 3),
        ("eval", 1),
        ("test", 2),
    ]
