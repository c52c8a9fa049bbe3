"""gs:// read: exactly the planned bytes, or the reason why not."""

import itertools
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from fcn_core.bad_image import BadImage
from pipelines import files
from pipelines.files import gcs_reading
from tests.doubles.fault_proxy import proxy
from tests.doubles.gcs import Bucket, use

Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")
NAMES = [
    "plain.jpg",
    "with space.jpg",
    "new\nline.jpg",
    "100%.jpg",
    "a#1?x=[y]*.jpg",
    "käse-猫-‮txt.jpg",
    "deep/er//double/../up.jpg",
    "é" * 512,
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_listed_and_read(bucket: Bucket, name: str) -> None:
    bucket.put(f"photos/{name}", b"bytes of " + name.encode())
    (found,) = files.walk_pinned(bucket.uri("photos"), wanted=lambda _: True)
    assert found is not None
    assert found.uri == bucket.uri("photos", name)
    data = files.read_photo(
        found.uri, version=found.version, generation=found.generation
    )
    assert data == b"bytes of " + name.encode()
    assert next(files.pins([found.uri])) == found


@pytest.mark.parametrize("typed", FORMS)
def test_a_glob_finds_both_unicode_forms_in_folders_and_names(
    bucket: Bucket, typed: Form
) -> None:
    for folder, name in itertools.product(FORMS, repeat=2):
        below = unicodedata.normalize(folder, "Caf\xe9 1/mai/")
        bucket.put(below + unicodedata.normalize(name, f"\xfc{folder}{name}.jpg"), b"1")
        bucket.put(f"{below}old/\xfc{folder}{name}.jpg", b"1")
    bucket.put("Cafe 1/mai/\xfc.jpg", b"1")
    pattern = bucket.uri(unicodedata.normalize(typed, "Caf\xe9 1/*/**/\xfc*.jpg"))
    survey = files.Survey(exclude=("mai/old",))
    found = [uri.rpartition("/")[2] for uri in files.match(pattern, survey=survey)]
    assert sorted(unicodedata.normalize("NFC", name) for name in found) == [
        "\xfcNFCNFC.jpg",
        "\xfcNFCNFD.jpg",
        "\xfcNFDNFC.jpg",
        "\xfcNFDNFD.jpg",
    ]


def test_names_sizes_and_folders(bucket: Bucket) -> None:
    for name in ("in/a.jpg", "in/b/c.jpg", "in/.hidden", "in/b/"):
        bucket.put(name, b"123")
    root = bucket.uri("in")
    assert files.list_names(root) == ["a.jpg", "b"]
    assert files.exists(root) and files.is_folder(root) and not files.is_file(root)
    assert files.is_file(f"{root}/a.jpg") and not files.is_folder(f"{root}/a.jpg")
    assert not files.exists(bucket.uri("none"))
    assert files.is_folder(bucket.uri())
    assert not files.is_folder("gs://no-such-bucket/x")
    assert files.size(f"{root}/a.jpg") == 3 and files.size(f"{root}/no") is None
    assert list(files.sizes([f"{root}/a.jpg", f"{root}/no"])) == [3, None]
    assert files.read_bytes(f"{root}/a.jpg") == b"123"
    assert files.to_uri(root + "/") == root
    with pytest.raises(FileNotFoundError):
        files.read_bytes(f"{root}/no")


def test_an_object_is_searched_through_like_a_file(bucket: Bucket) -> None:
    data = bytes(range(256)) * 20_000
    bucket.put("big", data)
    with files.open_for_reading(bucket.uri("big")) as file:
        file.seek(1_000_000)
        assert file.read(10) == data[1_000_000:1_000_010]
        file.seek(3)
        assert file.read(2_000_000) == data[3:2_000_003]
        assert file.read() == data[2_000_003:]
    with files.local_copy(bucket.uri("big")) as path:
        assert path.read_bytes() == data
    assert not path.exists()
    import hashlib

    assert files.sha256(bucket.uri("big")) == hashlib.sha256(data).hexdigest()


def reason(photo: files.Pinned) -> str:
    with pytest.raises(BadImage) as caught:
        files.read_photo(photo.uri, version=photo.version, generation=photo.generation)
    return caught.value.reason


def pin(uri: str) -> files.Pinned:
    return next(files.pins([uri]))


def test_a_replaced_photo_is_never_read_for_the_planned_one(bucket: Bucket) -> None:
    bucket.put("a.jpg", b"first")
    photo = pin(bucket.uri("a.jpg"))
    bucket.put("a.jpg", b"other")
    assert reason(photo) == "changed-while-reading"
    bucket.put("a.jpg", b"first")  # another upload of the same bytes
    again = pin(photo.uri)
    assert again.generation != photo.generation and again.version == photo.version
    assert (
        files.read_photo(photo.uri, version=photo.version, generation=photo.generation)
        == b"first"
    )
    bucket.remove("a.jpg")
    assert reason(photo) == "vanished"
    assert pin(photo.uri).version == "unknown"


def test_a_record_file_that_was_replaced_is_not_read(bucket: Bucket) -> None:
    bucket.put("x.tfrecord", b"1234")
    pinned = pin(bucket.uri("x.tfrecord"))
    bucket.put("x.tfrecord", b"5678")
    with (
        pytest.raises(BadImage, match="changed-while-reading"),
        files.open_for_reading(pinned.uri, pinned=pinned) as file,
    ):
        file.read()


def test_a_huge_object_is_read_no_further_than_the_decoder_allows(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs_reading, "_MAX_PHOTO_BYTES", 10)
    bucket.put("a.jpg", b"x" * 100)
    photo = pin(bucket.uri("a.jpg"))
    data = files.read_photo(
        photo.uri, version=photo.version, generation=photo.generation
    )
    assert len(data) == 11


def test_wrong_bytes_that_stay_wrong_are_a_reason(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("a.jpg", b"x" * 100)
    photo = pin(bucket.uri("a.jpg"))
    with proxy(bucket.address, faults={"flipped": 1.0}) as faulty:
        use(faulty.address, monkeypatch)
        assert reason(photo) == "checksum-mismatch"
        assert faulty.seen["flipped"] == 5


def test_leave_out_and_hidden_folders(bucket: Bucket) -> None:
    for name in ("a.jpg", "out/b.jpg", ".cache/c.jpg", "outer/d.jpg", "x/.git/e.jpg"):
        bucket.put(f"in/{name}", b"1")
    found = set(
        files.walk(
            bucket.uri("in"), survey=files.Survey(frozenset([bucket.uri("in/out")]))
        )
    )
    assert found == {bucket.uri("in/a.jpg"), bucket.uri("in/outer/d.jpg")}


def test_a_manifest_entry_is_relative_to_its_bucket(tmp_path: Path) -> None:
    assert files.resolve("gs://bkt/lists", "a/b.jpg") == "gs://bkt/lists/a/b.jpg"
    assert files.resolve("gs://bkt/lists", "gs://other/c.jpg") == "gs://other/c.jpg"
    assert files.resolve(str(tmp_path), "../x.jpg") == str(tmp_path.parent / "x.jpg")
