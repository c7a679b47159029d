"""Beam reads and writes file:// addresses, in a rehearsal's containers alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
from apache_beam.io.filesystem import FileSystem
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.vertex.rehearsal import beam_files


@pytest.fixture
def files():
    return beam_files.AddressedFiles(PipelineOptions([]))


def test_a_file_is_written_found_moved_read_and_deleted_by_its_address(files, tmp_path):
    root = f"file://{tmp_path}"
    first, second = files.join(root, "a", "1.txt"), files.join(root, "b", "2.txt")
    files.mkdirs(files.join(root, "b"))
    with files.create(first) as stream:
        stream.write(b"rows")
    files.copy([first], [files.join(root, "a", "copy.txt")])
    files.rename([first], [second])

    assert first == f"{root}/a/1.txt"
    assert files.split(second) == (f"{root}/b", "2.txt")
    [found] = files.match([f"{root}/*/[0-9].txt"])
    assert [each.path for each in found.metadata_list] == [second]
    assert found.metadata_list[0].size_in_bytes == files.size(second) == 4
    assert files.metadata(second).path == second
    assert files.last_updated(second) > 0
    assert files.checksum(second) == "4"
    with files.open(second) as stream:
        assert stream.read() == b"rows"
    files.delete([f"{root}/b/*"])
    assert (files.exists(second), files.exists(f"{root}/a/copy.txt")) == (False, True)
    assert (tmp_path / "a" / "copy.txt").read_bytes() == b"rows"


def test_beam_forgets_none_of_its_own_methods(files):
    missing = {
        name
        for name in vars(FileSystem)
        if getattr(vars(FileSystem)[name], "__isabstractmethod__", False)
        and name not in vars(beam_files.AddressedFiles)
    }

    assert missing == set()


ASKS = """
from apache_beam.io.filesystems import FileSystems
print(type(FileSystems.get_filesystem("file:///x")).__name__)
"""


@pytest.mark.parametrize(
    ("first", "code", "said"),
    [
        ("import pipeline.vertex.rehearsal.at_start", 0, "AddressedFiles"),
        ("", 1, "Unable to get filesystem"),
    ],
    ids=["container", "elsewhere"],
)
def test_beam_knows_the_addresses_where_a_container_starts(
    repository, first, code, said
):
    done = subprocess.run(
        [sys.executable, "-c", first + ASKS],
        cwd=repository,
        capture_output=True,
        text=True,
    )

    assert done.returncode == code
    assert said in done.stdout + done.stderr
