"""ExampleGen: what it takes for the same input, and that no row is lost."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import json_format
from tfx.components.example_gen import utils
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import standard_artifacts

from pipeline import beam_arguments
from pipeline.components import ingestion
from pipeline.config import config as config_lib
from pipeline.data import reading, records
from pipeline.data.times import Clock
from pipeline.errors import DataRefused, DataUnreadable
from pipeline.vertex.job import compile as vertex

BUCKETS = {"train": 3, "eval": 1, "test": 1}
KINDS = {"id": "INT", "fare": "FLOAT", "kind": "BYTES"}


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


def test_files_of_the_same_name_and_content_differ_by_their_folder(data):
    (data / "one").mkdir()
    (data / "two").mkdir()
    (data / "one/a.csv").write_text("x\n1\n")
    (data / "two/a.csv").write_text("x\n1\n")

    one = ingestion.content_fingerprint(str(data), [str(data / "one/a.csv")])
    two = ingestion.content_fingerprint(str(data), [str(data / "two/a.csv")])

    assert one != two


def test_the_same_folder_elsewhere_is_the_same_input(data, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for folder in (data, other):
        (folder / "sub").mkdir()
        (folder / "sub/a.csv").write_text("x\n1\n")

    here, there = (
        ingestion.content_fingerprint(str(folder), [str(folder / "sub/a.csv")])
        for folder in (data, other)
    )

    assert here == there


def test_no_files_have_a_fingerprint_too(tmp_path):
    empty = hashlib.sha256().hexdigest()

    found = ingestion.content_fingerprint(str(tmp_path), [])

    assert found == f"files:0,bytes:0,sha256:{empty}"


def test_the_node_splits_by_the_buckets_of_the_configuration(data):
    buckets = {"train": 3, "eval": 1, "test": 2}

    node = ingestion.example_gen(str(data), "*.csv", buckets, {"x": "INT"})

    output = example_gen_pb2.Output()
    json_format.Parse(node.exec_properties["output_config"], output)
    assert node.id == "ExampleGen"
    assert {s.name: s.hash_buckets for s in output.split_config.splits} == buckets


@pytest.mark.parametrize(
    ("pattern", "span", "expected"),
    [
        ("*", None, None),
        ("span-{SPAN}/*", None, {"rolling_range": {"num_spans": 1}}),
        (
            "span-{SPAN}/*",
            0,
            {"static_range": {"start_span_number": 0, "end_span_number": 0}},
        ),
    ],
    ids=["no-span", "newest", "chosen"],
)
def test_the_pattern_and_the_span_make_the_range(data, pattern, span, expected):
    node = ingestion.example_gen(str(data), pattern, BUCKETS, KINDS, span=span)

    found = node.exec_properties["range_config"]
    if expected is None:
        assert found is None
    else:
        wanted = json_format.ParseDict(expected, range_config_pb2.RangeConfig())
        assert json_format.Parse(found, range_config_pb2.RangeConfig()) == wanted


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "data"
    made.mkdir()
    return made


class Done:
    """What one run of the executor left behind."""

    def __init__(self, artifact, root) -> None:
        self.artifact = artifact
        self.root = root

    def recorded(self, name: str):
        return self.artifact.get_custom_property(name)

    @property
    def files(self) -> list[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in found)

    def rows(self, split: str) -> list[dict]:
        """The split's examples as plain values."""
        return [
            {key: value and value[0] for key, value in row.items()}
            for batch in records.batches(str(self.root / f"Split-{split}"))
            for row in batch.to_pylist()
        ]

    @property
    def all_rows(self) -> list[dict]:
        return [row for split in BUCKETS for row in self.rows(split)]


@pytest.fixture
def made(tmp_path):
    root = tmp_path / "examples"
    artifact = standard_artifacts.Examples()
    artifact.uri = str(root)
    return Done(artifact, root)


def planned(folder, pattern="*", buckets=BUCKETS, kinds=KINDS, **options) -> dict:
    """The properties that TFX's driver hands to the executor."""
    node = ingestion.example_gen(str(folder), pattern, buckets, kinds, **options)
    return ingestion.ContentDriver(None).resolve_exec_properties(
        dict(node.exec_properties), None, None
    )


def execute(made, properties) -> Done:
    context = ingestion.Executor.Context(
        beam_pipeline_args=beam_arguments.arguments(config_lib.load().config)
    )
    ingestion.Executor(context).Do({}, {"examples": [made.artifact]}, properties)
    return made


def write_csv(file, rows, header="id,fare,kind"):
    file.write_text("\n".join([header, *rows]) + "\n")


def good(count, start=0):
    return [f"{i},{i}.5,k{i % 3}" for i in range(start, start + count)]


def test_files_that_changed_since_they_were_fingerprinted_are_refused(folder, made):
    write_csv(folder / "a.csv", good(60))
    before = ingestion.content_fingerprint(str(folder), [str(folder / "a.csv")])
    made.artifact.set_string_custom_property("input_fingerprint", before)
    properties = planned(folder)
    write_csv(folder / "a.csv", good(61))

    with pytest.raises(DataUnreadable, match="changed while they were read") as caught:
        execute(made, properties)

    assert before in str(caught.value)


def test_files_that_are_as_they_were_fingerprinted_are_taken(folder, made):
    write_csv(folder / "a.csv", good(60))
    before = ingestion.content_fingerprint(str(folder), [str(folder / "a.csv")])
    made.artifact.set_string_custom_property("input_fingerprint", before)

    execute(made, planned(folder))

    assert made.recorded("rows_read") == 60


def test_a_file_that_changed_and_changed_back_while_it_was_read_is_refused(
    folder, made, monkeypatch
):
    """Same bytes, sizes and modification times before and after; other ones between."""
    file = folder / "a.csv"
    write_csv(file, good(60))
    before, times = file.read_bytes(), file.stat()
    made.artifact.set_string_custom_property(
        "input_fingerprint", ingestion.content_fingerprint(str(folder), [str(file)])
    )
    ingest_one = ingestion.ingest.ingest

    def with_other_rows(*args):
        file.write_bytes(before.replace(b"59.5", b"59.6"))
        ingest_one(*args)
        file.write_bytes(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    monkeypatch.setattr(ingestion.ingest, "ingest", with_other_rows)

    with pytest.raises(DataUnreadable, match="changed while they were read"):
        execute(made, planned(folder))


def test_what_was_read_is_held_against_what_is_recorded(folder, made, monkeypatch):
    """Also where no file system tells that the file changed: by the bytes read."""
    write_csv(folder / "a.csv", good(60))
    results = ingestion.ingest.results

    def of_other_bytes(root):
        return [dataclasses.replace(r, sha256="of others") for r in results(root)]

    monkeypatch.setattr(ingestion.ingest, "results", of_other_bytes)

    with pytest.raises(DataUnreadable, match=r"changed while.*read: of others; rec"):
        execute(made, planned(folder))


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_a_sample_is_the_first_rows_of_the_data(folder, made, kind):
    for name, start in (("a", 0), ("b", 40)):
        rows = [row.split(",") for row in good(40, start=start)]
        table = pd.DataFrame(rows, columns=["id", "fare", "kind"])
        if kind == "parquet":
            table.to_parquet(folder / f"{name}.parquet", row_group_size=15)
        else:
            table.to_csv(folder / f"{name}.{kind}", index=False)

    execute(made, planned(folder, sample=50))

    assert sorted(row["id"] for row in made.all_rows) == list(range(50))
    assert made.recorded("rows_read") == 50
    listed = json.loads(made.recorded("files"))
    assert [entry["name"] for entry in listed] == [f"a.{kind}", f"b.{kind}"]


def test_a_sample_of_parts_whose_types_differ_is_read_as_the_whole_is(folder, made):
    pq.write_table(pa.table({"id": pa.nulls(3)}), folder / "a.parquet")
    pq.write_table(pa.table({"id": pa.array([1], pa.int8())}), folder / "b.parquet")
    pq.write_table(pa.table({"id": pa.array([2, 3])}), folder / "c.parquet")

    execute(made, planned(folder, sample=5))

    assert sorted(row["id"] for row in made.all_rows if row["id"]) == [1, 2]


def test_a_sample_counts_rows_that_do_not_fit(folder, made):
    write_csv(folder / "a.csv", ["1,1,a", "2,2", "x,3,c", "4,4,d", "5,5,e", "6"])

    execute(made, planned(folder, sample=4, max_reject_share=0.5))

    assert sorted(row["id"] for row in made.all_rows) == [1, 4]
    assert (made.recorded("rows_read"), made.recorded("rows_rejected")) == (4, 2)


def test_a_sample_larger_than_the_data_is_the_data(folder, made):
    write_csv(folder / "a.csv", good(7))

    execute(made, planned(folder, sample=100))

    assert made.recorded("rows_read") == 7


def test_a_text_that_is_not_a_time_is_refused_with_its_line(folder, made):
    write_csv(folder / "a.csv", ["1,1,2013-05-01", "2,2,01/02/2013"])

    with pytest.raises(DataRefused) as refused:
        execute(made, planned(folder, clock=Clock("kind")))

    assert "a.csv, line 3 (row 2), column 'kind': '01/02/2013'" in str(refused.value)
    assert "data.time_format" in str(refused.value)


def test_times_of_a_stated_format_are_ranged_as_times(folder, made):
    write_csv(folder / "a.csv", ["1,1,12/31/2023", "2,2,01/02/2024", "3,3,"])

    execute(made, planned(folder, clock=Clock("kind", "%m/%d/%Y")))

    found = json.loads(made.recorded("time_range"))
    assert found == ["2023-12-31", "2024-01-02"]


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "address"])
def test_every_row_read_is_written_and_recorded(folder, made, scheme):
    """On Vertex the data and the artifact have addresses, and not paths."""
    write_csv(folder / "a.csv", good(60))
    write_csv(folder / "b.csv", good(40, start=60))
    made.artifact.uri = f"{scheme}{made.artifact.uri}"

    execute(made, planned(f"{scheme}{folder}"))

    assert made.recorded("rows_read") == 100
    assert made.recorded("rows_written") == 100
    assert made.recorded("rows_rejected") == 0
    assert sorted(row["id"] for row in made.all_rows) == list(range(100))
    assert json.loads(made.artifact.split_names) == ["train", "eval", "test"]


def test_a_parquet_of_several_row_groups_is_read_whole(folder, made):
    table = pa.table(
        {
            "id": pa.array(range(100), pa.int32()),
            "fare": pa.array([i / 2 for i in range(100)]),
            "kind": pa.array([f"k{i % 3}" for i in range(100)]).dictionary_encode(),
        }
    )
    pq.write_table(table, folder / "a.parquet", row_group_size=30)

    execute(made, planned(folder))

    assert made.recorded("rows_read") == 100
    assert sorted((r["id"], r["fare"], r["kind"]) for r in made.all_rows) == [
        (i, i / 2, f"k{i % 3}".encode()) for i in range(100)
    ]


def test_the_artifact_holds_shards_and_nothing_else(folder, made):
    write_csv(folder / "a.csv", good(5))
    write_csv(folder / "b.csv", good(5, start=5))

    execute(made, planned(folder))

    assert made.files == sorted(
        f"Split-{split}/data_tfrecord-{number:05d}-of-00002.gz"
        for split in BUCKETS
        for number in range(2)
    )
    assert not (made.root / ".partial").exists()


def test_a_split_without_rows_is_a_folder_of_empty_shards(folder, made):
    write_csv(folder / "a.csv", ["1,2.5,x"])

    execute(made, planned(folder))

    sizes = {split: len(made.rows(split)) for split in BUCKETS}
    assert sorted(sizes.values()) == [0, 0, 1]
    assert all((made.root / f"Split-{split}").is_dir() for split in BUCKETS)


def test_rejects_above_the_share_refuse_the_data_and_name_the_place(folder, made):
    write_csv(folder / "a.csv", good(3))
    write_csv(folder / "b.csv", [*good(4), '"9",1.5,"two\nlines"', "7,twelve,x"])

    with pytest.raises(DataRefused) as refused:
        execute(made, planned(folder))

    text = str(refused.value)
    assert "1 of 9 rows do not fit" in text
    place = (
        f"{folder / 'b.csv'}, line 8 (row 6), column 'fare': 'twelve' is not a number"
    )
    assert place in text
    assert "data.max_reject_share allows 0" in text
    for name in ("rows_read", "rows_written", "rows_rejected", "rejects_file"):
        assert not made.artifact.has_custom_property(name)
    assert not made.artifact.split_names
    assert not (made.root / ingestion.REJECTS_FILE).exists()


def test_a_refusal_shows_the_first_rejects_and_counts_the_rest(folder, made):
    write_csv(folder / "a.csv", [f"x{i},1.5,k" for i in range(8)])

    with pytest.raises(DataRefused) as refused:
        execute(made, planned(folder))

    text = str(refused.value)
    assert "8 of 8 rows do not fit" in text
    assert "'x4'" in text
    assert "'x5'" not in text
    assert "and 3 more" in text


def test_rejects_below_the_share_go_to_a_file_with_their_reason(folder, made):
    write_csv(folder / "a.csv", [*good(98), "98,twelve,x", "99,1.5"])

    execute(made, planned(folder, max_reject_share=0.02))

    assert made.recorded("rows_read") == 100
    assert made.recorded("rows_written") == 98
    assert made.recorded("rows_rejected") == 2
    assert len(made.all_rows) == 98
    file = made.root / "rejects.jsonl"
    assert made.recorded("rejects_file") == str(file)
    found = [json.loads(line) for line in file.read_text().splitlines()]
    name = str(folder / "a.csv")
    assert sorted(found, key=lambda reject: reject["row"]) == [
        {
            "file": name,
            "row": 99,
            "line": 100,
            "column": "fare",
            "value": "twelve",
            "reason": "is not a number",
        },
        {
            "file": name,
            "row": 100,
            "line": 101,
            "column": None,
            "value": "99,1.5",
            "reason": "has 2 fields; the header has 3",
        },
    ]


def test_a_row_with_two_misfits_is_one_rejected_row(folder, made):
    write_csv(folder / "a.csv", [*good(9), "x,y,z"])

    execute(made, planned(folder, max_reject_share=0.1))

    assert made.recorded("rows_rejected") == 1
    assert made.recorded("rows_written") == 9
    lines = (made.root / "rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["column"] for line in lines] == ["fare", "id"]


def test_rows_of_an_equal_column_stay_in_one_split(folder, made):
    write_csv(folder / "a.csv", [f"{i},{i}.5,k{i % 20}" for i in range(400)])

    execute(made, planned(folder, split_by="kind"))

    kinds = {split: {row["kind"] for row in made.rows(split)} for split in BUCKETS}
    assert sum(len(found) for found in kinds.values()) == 20
    assert len(kinds["train"]) > 1
    assert len(made.all_rows) == 400


def test_split_by_of_no_such_column_names_it(folder, made):
    write_csv(folder / "a.csv", good(3))

    with pytest.raises(DataUnreadable, match=r"split_by.*'rider'"):
        execute(made, planned(folder, split_by="rider"))


def test_a_file_that_goes_away_before_it_is_read_is_named(folder, made, monkeypatch):
    write_csv(folder / "a.csv", good(3))
    write_csv(folder / "b.csv", good(3))
    units = ingestion.files_lib.units

    def units_then_gone(files):
        found = units(files)
        (folder / "b.csv").unlink()
        return found

    monkeypatch.setattr(ingestion.files_lib, "units", units_then_gone)

    with pytest.raises(DataUnreadable, match=str(folder / "b.csv")) as unreadable:
        execute(made, planned(folder))

    assert "run again" in str(unreadable.value)
    assert not made.artifact.has_custom_property("rows_read")


def parquet(file, rows=20000):
    numbers = pa.array([(i * 7919) % 1000003 for i in range(rows)])
    pq.write_table(pa.table({"id": numbers}), file, row_group_size=rows // 4)


def test_a_parquet_that_is_cut_off_is_named_when_planned(folder, made):
    parquet(folder / "a.parquet")
    whole = (folder / "a.parquet").read_bytes()
    (folder / "a.parquet").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataUnreadable, match=str(folder / "a.parquet")):
        execute(made, planned(folder))


def test_a_parquet_cut_off_inside_a_row_group_is_named(folder, made, monkeypatch):
    """The footer was read; the bytes of the second group are lost meanwhile."""
    file = folder / "a.parquet"
    parquet(file)
    units = ingestion.files_lib.units

    def units_then_cut(files):
        found = units(files)
        metadata = pq.read_metadata(file)
        column = metadata.row_group(1).column(0)
        start = column.dictionary_page_offset or column.data_page_offset
        middle = start + column.total_compressed_size // 2
        content = file.read_bytes()
        end = start + column.total_compressed_size
        file.write_bytes(content[:middle] + bytes(end - middle) + content[end:])
        return found

    monkeypatch.setattr(ingestion.files_lib, "units", units_then_cut)

    with pytest.raises(DataUnreadable, match=str(file)):
        execute(made, planned(folder))

    assert not made.artifact.has_custom_property("rows_read")
    assert not (made.root / ".partial").exists()


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[: len(content) // 2], lambda c: c[:10] + b"\xff" + c[11:]],
    ids=["cut-off", "no-deflate"],
)
def test_a_damaged_gzip_is_named(folder, made, damage):
    content = gzip.compress(("id,fare,kind\n" + "\n".join(good(5000))).encode())
    (folder / "a.csv.gz").write_bytes(damage(content))

    with pytest.raises(DataUnreadable, match=str(folder / "a.csv.gz")):
        execute(made, planned(folder))


def test_files_that_went_away_before_the_run_are_an_error_in_words(folder, made):
    write_csv(folder / "a.csv", good(3))
    properties = planned(folder)
    (folder / "a.csv").unlink()

    with pytest.raises(DataUnreadable, match=r"no file matches '\*' any more"):
        execute(made, properties)


def test_a_parquet_without_row_groups_is_an_error_in_words(folder, made):
    schema = pa.schema({"id": pa.int64()})
    with pq.ParquetWriter(folder / "a.parquet", schema):
        pass

    with pytest.raises(DataUnreadable, match="no rows"):
        execute(made, planned(folder))


def test_the_newest_version_of_the_newest_span_is_read(folder, made):
    for number, (span, version) in enumerate([(1, 1), (2, 1), (2, 2), (10, 3)]):
        place = folder / f"span-{span}" / f"v-{version}"
        place.mkdir(parents=True)
        write_csv(place / "a.csv", good(1, start=number))

    properties = planned(folder, "span-{SPAN}/v-{VERSION}/*")
    execute(made, properties)

    assert (properties[utils.SPAN_PROPERTY_NAME], properties["version"]) == (10, 3)
    assert [row["id"] for row in made.all_rows] == [3]


def test_an_older_span_can_be_chosen(folder, made):
    for span in (1, 2):
        (folder / f"span-{span}").mkdir()
        write_csv(folder / f"span-{span}" / "a.csv", good(1, start=span))

    execute(made, planned(folder, "span-{SPAN}/*", span=1))

    assert [row["id"] for row in made.all_rows] == [1]


def test_vertex_runs_the_same_executor():
    config = config_lib.load(platform="vertex").config

    job = vertex.compile_job(config)

    container = job.containers["ExampleGen"]
    executor = ingestion.Executor
    path = f"{executor.__module__}.{executor.__qualname__}"
    assert container.value_of("--executor_class_path") == path
    assert "custom_config" in json.dumps(container.args)


def test_the_raw_files_are_on_record_with_size_and_sha256(folder, made):
    (folder / "deep").mkdir()
    write_csv(folder / "deep" / "a.csv", good(3))
    write_csv(folder / "deep" / 'ä "b".csv', good(2, start=3))

    execute(made, planned(folder, "deep/*"))

    found = json.loads(made.recorded("files"))
    assert made.recorded("files_root") == str(folder)
    assert [entry["name"] for entry in found] == ["deep/a.csv", 'deep/ä "b".csv']
    for entry in found:
        content = (folder / entry["name"]).read_bytes()
        assert entry["size"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_rows_by_split_and_the_range_of_the_time_column_are_on_record(folder, made):
    write_csv(folder / "a.csv", good(30, start=40))
    write_csv(folder / "b.csv", good(30, start=10))

    execute(made, planned(folder, clock=Clock("id")))

    rows = json.loads(made.recorded("rows_by_split"))
    assert rows == {split: len(made.rows(split)) for split in BUCKETS}
    assert made.recorded("time_column") == "id"
    assert json.loads(made.recorded("time_range")) == [10, 69]


def test_a_time_that_is_text_is_on_record_as_text(folder, made):
    write_csv(folder / "a.csv", ["1,1,2013-05-01", "2,2,2013-04-30", "3,3,"])

    execute(made, planned(folder, clock=Clock("kind")))

    found = json.loads(made.recorded("time_range"))
    assert found == ["2013-04-30", "2013-05-01"]


def test_the_content_of_the_shards_is_on_record(folder, made):
    write_csv(folder / "a.csv", good(30))

    execute(made, planned(folder))

    content = json.loads(made.recorded("content"))
    assert sorted(content) == made.files
    for name, entry in content.items():
        digest = hashlib.sha256((made.root / name).read_bytes()).hexdigest()
        assert entry["sha256"] == digest
    assert len(made.recorded("content_sha256")) == 64


def test_the_time_range_is_that_of_all_batches_of_a_file(folder, made, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK_BYTES", 24)
    write_csv(folder / "a.csv", [*good(20, start=40), *good(10, start=80), *good(3)])

    execute(made, planned(folder, clock=Clock("id")))

    assert json.loads(made.recorded("time_range")) == [0, 89]
