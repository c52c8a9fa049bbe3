"""URIs: every name has one, and other stores are refused."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import files
from pipelines.faults import UsageError

NAMES = [
    b"plain.jpg",
    b"with space.jpg",
    b"new\nline.jpg",
    b"100%.jpg",
    b"a#1.jpg",
    b"q?[x]*.jpg",
    "käse-猫-‮txt.jpg".encode(),
    b"caf\xe9.jpg",
    b"\xff\xfe\x80",
    b"back\\slash.jpg",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_uri_that_finds_it(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(name)
    uri = files.to_uri(path)
    uri.encode("utf-8")  # it can be a column, a JSON string, a line
    assert files.to_path(uri) == path
    assert files.read_photo(uri, version=files.version(uri)) == name
    assert files.to_uri(uri) == uri
    assert list(files.walk(files.to_uri(tmp_path))) == [uri]


def test_a_text_name_is_its_own_uri(tmp_path: Path) -> None:
    assert files.to_uri(tmp_path / "käse.jpg") == os.fspath(tmp_path / "käse.jpg")


@pytest.mark.parametrize("uri", ["s3://b/x", "https://x/y.jpg", "hdfs:///a"])
@pytest.mark.parametrize("use", [files.to_path, files.to_uri, files.exists])
def test_another_store_is_one_line_and_no_local_folder(
    uri: str, use: Callable[[str], object]
) -> None:
    with pytest.raises(UsageError) as caught:
        use(uri)
    assert uri in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["gs://", "gs:///x", "gs://B/x", "gs://ab", "gs://a b/"]
)
def test_a_bucket_without_a_good_name_is_one_line(uri: str) -> None:
    with pytest.raises(UsageError, match="for the bucket, expected gs://BUCKET/NAME"):
        files.to_uri(uri)


def test_an_object_has_no_local_path() -> None:
    with pytest.raises(UsageError, match="gs://bkt/x: got a gs:// location"):
        files.to_path("gs://bkt/x")
    assert files.to_uri("gs://bkt//x//") == "gs://bkt//x"
