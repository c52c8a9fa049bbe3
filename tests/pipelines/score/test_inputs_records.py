"""Photos in TFRecords: listed and read by their number."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from fcn_core.bad_image import BadImage
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.score import inputs
from tests.runs.listings import listed, read_all, refusal, rows, touch


def write_records(path: Path, *photos: bytes | None) -> None:
    """Writes a TFRecord file of examples; None makes one without a photo."""
    with path.open("wb") as file:
        for photo in photos:
            example = tfrecord.example_class()()
            name = "image/encoded" if photo is not None else "image/other"
            example.features.feature[name].bytes_list.value.append(photo or b"")
            tfrecord.write_frame(file, example.SerializeToString())


def test_records_are_read_by_their_number(tmp_path: Path) -> None:
    photos = [b"photo %d " % n * (n + 1) for n in range(12)]
    write_records(tmp_path / "a-00000-of-00001.tfrecord", *photos)
    listing = listed(tmp_path / "a-00000-of-00001.tfrecord")
    found = rows(listing).to_pylist()
    assert sorted(row["image_uri"] for row in found) == [
        row["image_uri"] for row in found
    ]
    uri = files.to_uri(tmp_path / "a-00000-of-00001.tfrecord")
    by_uri = {row["image_uri"]: row for row in found}
    assert set(by_uri) == {f"{uri}#{n}" for n in range(12)}
    for number, photo in enumerate(photos):
        row = by_uri[f"{uri}#{number}"]
        assert inputs.read(row, root=None) == photo
        assert inputs.read_again(row["image_uri"], version=row["version"]) == photo


def test_a_glob_of_records(tmp_path: Path) -> None:
    for shard in range(3):
        photos = (b"%d" % (10 * shard + n) for n in range(shard + 1))
        write_records(tmp_path / f"x-{shard}.tfrecord", *photos)
    listing = listed(tmp_path / "x-*.tfrecord")
    assert read_all(listing) == [b"0", b"10", b"11", b"20", b"21", b"22"]


def test_damaged_records_are_rows_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, b"first", b"second", None, b"last")
    data = bytearray(path.read_bytes())
    data[data.index(b"second")] ^= 1
    path.write_bytes(data)
    reasons = []
    for row in rows(listed(path)).to_pylist():
        try:
            inputs.read(row, root=None)
            reasons.append("ok")
        except BadImage as bad:
            reasons.append(bad.reason)
    assert reasons == ["ok", "corrupt", "not-an-image", "ok"]


def test_records_of_another_version_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, b"first", b"second")
    row = rows(listed(path)).to_pylist()[1]
    write_records(path, b"other", b"photos", b"now")
    with pytest.raises(BadImage) as caught:
        inputs.read(row, root=None)
    assert caught.value.reason == "changed-while-reading"


def test_a_file_with_a_number_sign_is_no_record(tmp_path: Path) -> None:
    touch(tmp_path, "a", "a#1")
    uri = files.to_uri(tmp_path / "a#1")
    assert inputs.read_again(uri, version=files.version(uri)) == b"a#1"


PHOTOS = [b"photo %d " % n * (10 + n) for n in range(10)]


@pytest.mark.parametrize("number", [0, 3, 9])
@pytest.mark.parametrize("byte", [0, 5, 7, 8, 11])
def test_a_damaged_length_loses_no_record(
    tmp_path: Path, number: int, byte: int
) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, *PHOTOS)
    data = bytearray(path.read_bytes())
    data[list(tfrecord.frame_offsets(path))[number] + byte] ^= 16
    path.write_bytes(data)
    listing = listed(path)
    assert read_all(listing) == PHOTOS
    assert listing.aside.unread == ()
    for row in rows(listing).to_pylist():
        again = inputs.read_again(row["image_uri"], version=row["version"])
        assert again == inputs.read(row, root=None)


def test_the_rest_of_a_file_that_ends_early_is_lost_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, *PHOTOS)
    offsets = list(tfrecord.frame_offsets(path))
    whole = path.read_bytes()
    for end in (offsets[6] + 5, offsets[6] + 40):
        path.write_bytes(whole[:end])
        listing = listed(path)
        assert read_all(listing) == PHOTOS[:6]
        (place,) = listing.aside.unread
        assert place.uri == files.to_uri(path)
        assert place.photos == listing.aside.lost == 1
        assert f"{end - offsets[6]} bytes from {offsets[6]} on" in place.why


def test_a_stretch_of_other_bytes_is_lost_and_what_is_behind_it_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, *PHOTOS)
    offsets = list(tfrecord.frame_offsets(path))
    data = bytearray(path.read_bytes())
    data[offsets[3] : offsets[6]] = bytes(offsets[6] - offsets[3])
    path.write_bytes(data)
    listing = listed(path)
    assert read_all(listing) == PHOTOS[:3] + PHOTOS[6:]
    (place,) = listing.aside.unread
    assert place.photos == 3
    vanished = f"{files.to_uri(path)}#7"
    with pytest.raises(BadImage, match="vanished"):
        inputs.read_again(vanished, version=files.version(files.to_uri(path)))


def test_what_is_no_tfrecord_at_all_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    path.write_bytes(b"no records at all " * 9)
    assert "162 bytes from 0 on are no whole records" in refusal(path)
    path.write_bytes(b"")
    assert "got no photo in that file" in refusal(path)


@pytest.mark.parametrize(
    ("compress", "name"), [(gzip.compress, "GZIP"), (zlib.compress, "ZLIB")]
)
def test_a_compressed_file_is_named(
    tmp_path: Path, compress: Callable[[bytes], bytes], name: str
) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, *PHOTOS)
    path.write_bytes(compress(path.read_bytes()))
    assert f"compressed as a whole ({name})" in refusal(path)
