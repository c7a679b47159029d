"""The fake of Cloud Storage, asked by Google's own client."""

from __future__ import annotations

import base64
import io
import os

import google_crc32c
import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage
from google.oauth2.credentials import Credentials

from tests.fakes.gcs import fields
from tests.fakes.gcs.api import Api
from tests.fakes.gcs.listening import listening

_CHUNK = 256 * 1024


@pytest.fixture
def api(tmp_path):
    (tmp_path / "trips").mkdir()
    return Api(tmp_path, {"t"}, page_size=3)


@pytest.fixture
def address(api):
    with listening(api.answer, ("127.0.0.1", 0)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(address):
    return storage.Client(
        "p", Credentials(token="t"), client_options={"api_endpoint": address}
    )


@pytest.fixture
def bucket(client):
    return client.bucket("trips")


def put(bucket, *names: str) -> None:
    for name in names:
        bucket.blob(name).upload_from_string(name)


def test_what_is_uploaded_is_a_file_with_its_type_and_metadata(bucket, tmp_path):
    blob = bucket.blob("a/b c.txt")
    blob.metadata = {"run": "1"}
    blob.upload_from_string(b"x\r\ny\n", content_type="text/csv")

    assert (tmp_path / "trips" / "a" / "b c.txt").read_bytes() == b"x\r\ny\n"
    found = bucket.get_blob("a/b c.txt")
    assert (found.content_type, found.metadata) == ("text/csv", {"run": "1"})
    assert found.size == 5
    crc = google_crc32c.value(b"x\r\ny\n").to_bytes(4, "big")
    assert found.crc32c == base64.b64encode(crc).decode()
    assert found.download_as_bytes() == b"x\r\ny\n"
    assert found.download_as_bytes(start=1, end=2) == b"\r\n"


def test_what_is_written_as_a_file_is_an_object(bucket, tmp_path):
    (tmp_path / "trips" / "runs").mkdir()
    (tmp_path / "trips" / "runs" / "1.json").write_text("{}")
    (tmp_path / "trips" / "empty").mkdir()

    assert [b.name for b in bucket.list_blobs()] == ["empty/", "runs/1.json"]
    first = bucket.get_blob("runs/1.json")
    file = tmp_path / "trips" / "runs" / "1.json"
    file.write_text("[]")
    os.utime(file, ns=(file.stat().st_mtime_ns + 10**6,) * 2)
    assert bucket.get_blob("runs/1.json").generation > first.generation


def test_a_list_comes_by_pages_and_by_folders(bucket):
    put(bucket, "a/1", "a/2", "a/b/3", "a/c/4", "a/c/5", "a/d", "b")

    pages = bucket.list_blobs(prefix="a/", delimiter="/")

    assert [[blob.name for blob in page] for page in pages.pages] == [
        ["a/1", "a/2"],
        ["a/d"],
    ]
    assert pages.prefixes == {"a/b/", "a/c/"}
    assert len([*bucket.list_blobs()]) == 7
    assert [
        b.name for b in bucket.list_blobs(start_offset="a/c/5", end_offset="b")
    ] == [
        "a/c/5",
        "a/d",
    ]


def test_a_big_file_goes_up_in_chunks_and_never_half(bucket, tmp_path, api):
    asked: list[str] = []
    api.seen = asked.append
    content = os.urandom(2 * _CHUNK + 17)
    blob = bucket.blob("big", chunk_size=_CHUNK)
    blob.upload_from_file(io.BytesIO(content))

    assert (tmp_path / "trips" / "big").read_bytes() == content
    sent = [line.split()[-1] for line in asked if "/upload/" in line]
    assert sent == ["200", "308", "308", "200"]


def test_generations_guard_what_somebody_else_has_written(bucket):
    blob = bucket.blob("lock")
    blob.upload_from_string("1", if_generation_match=0)
    first = blob.generation
    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_string("2", if_generation_match=0)
    blob.upload_from_string("2", if_generation_match=first)

    assert blob.generation > first
    with pytest.raises(exceptions.PreconditionFailed):
        blob.delete(if_generation_match=first)
    with pytest.raises(exceptions.NotFound):
        bucket.blob("lock", generation=first).download_as_bytes()
    blob.metadata = {"a": "b"}
    blob.patch(if_metageneration_match=1)
    assert (blob.metageneration, bucket.get_blob("lock").metadata) == (2, {"a": "b"})


def test_copying_composing_and_deleting(bucket, client, tmp_path):
    put(bucket, "a/1", "a/2")
    bucket.copy_blob(bucket.blob("a/1"), bucket, "b/1")
    bucket.blob("b/2").rewrite(bucket.blob("a/2"))
    bucket.blob("both").compose([bucket.blob("b/1"), bucket.blob("b/2")])
    with client.batch():
        bucket.blob("a/1").delete()
        bucket.blob("a/2").delete()

    assert bucket.blob("both").download_as_bytes() == b"a/1a/2"
    assert sorted(os.listdir(tmp_path / "trips")) == ["b", "both"], "no folder stays"


def test_a_folders_object_stays_when_the_last_in_it_goes(bucket, tmp_path):
    put(bucket, "a/1")
    bucket.blob("a/").upload_from_string("")

    assert [b.name for b in bucket.list_blobs()] == ["a/", "a/1"]
    bucket.blob("a/1").delete()
    assert [b.name for b in bucket.list_blobs()] == ["a/"]
    bucket.blob("a/").delete()
    assert [*bucket.list_blobs()] == []


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/storage/v1/b/none", 404),
        ("GET", "/storage/v1/b/trips/o/none", 404),
        ("GET", "/storage/v1/b/trips/o?sortBy=name", 400),
        ("GET", "/storage/v1/b/trips/o?pageToken=x", 400),
        ("GET", "/storage/v1/b/trips/acl", 501),
        ("POST", "/upload/storage/v1/b/trips/o?uploadType=media&name=a//b", 501),
        ("POST", "/upload/storage/v1/b/trips/o?uploadType=media&name=a/../b", 501),
        ("POST", "/upload/storage/v1/b/trips/o?uploadType=odd&name=a", 400),
        ("PUT", "/upload/storage/v1/b/trips/o?upload_id=x", 410),
        ("GET", "/trips/none", 404),
    ],
)
def test_what_the_service_has_not_is_refused(address, method, target, status):
    bearer = {"Authorization": "Bearer t"}

    answer = requests.request(method, address + target, headers=bearer, timeout=10)

    assert answer.status_code == answer.json()["error"]["code"] == status


def test_nobody_gets_in_without_the_token(address):
    for bearer in ({}, {"Authorization": "Bearer x"}, {"Authorization": "t"}):
        answer = requests.get(
            f"{address}/storage/v1/b/trips", headers=bearer, timeout=9
        )
        assert answer.status_code == 401


def test_bytes_that_changed_on_the_way_are_refused(address, bucket):
    put(bucket, "a")
    body = (
        "--x\r\nContent-Type: application/json\r\n\r\n"
        '{"name": "b", "crc32c": "AAAAAA=="}'
        "\r\n--x\r\nContent-Type: text/plain\r\n\r\nwords\r\n--x--"
    )
    headers = {
        "Authorization": "Bearer t",
        "Content-Type": "multipart/related; boundary=x",
    }
    target = f"{address}/upload/storage/v1/b/trips/o?uploadType=multipart"

    answer = requests.post(target, body, headers=headers, timeout=10)

    assert answer.status_code == 400
    assert "crc32c AAAAAA== is not that of the bytes" in answer.text
    ranges = {**headers, "Range": "bytes=9-"}
    beyond = requests.get(f"{address}/trips/a", headers=ranges, timeout=10)
    assert beyond.status_code == 416


def test_only_the_fields_that_are_asked_for_come():
    value = {
        "kind": "k",
        "items": [{"name": "a", "size": "1", "owner": {"id": "i", "x": "y"}}],
    }

    assert fields.chosen(value, "items/name,nextPageToken") == {
        "items": [{"name": "a"}]
    }
    assert fields.chosen(value, "items(size,owner/id),kind") == {
        "items": [{"size": "1", "owner": {"id": "i"}}],
        "kind": "k",
    }
    assert fields.chosen(value, "items/name,items/size") == {
        "items": [{"name": "a", "size": "1"}]
    }


def test_a_chunk_in_the_middle_has_a_size_that_the_service_takes(address):
    bearer = {"Authorization": "Bearer t"}
    begin = f"{address}/upload/storage/v1/b/trips/o?uploadType=resumable&name=a"
    place = requests.post(begin, headers=bearer, timeout=10).headers["Location"]

    for content_range, body, status in (
        ("bytes 0-4/10", b"12345", 400),
        ("bytes 0-9/10", b"12345", 400),
        ("bytes 5-9/10", b"12345", 503),
        ("bytes */*", b"", 308),
        ("bytes 0-4/5", b"12345", 200),
        ("bytes 0-4/5", b"12345", 410),
    ):
        headers = {"Content-Range": content_range}
        answer = requests.put(place, body, headers=headers, timeout=10)
        assert answer.status_code == status, (content_range, answer.text)
