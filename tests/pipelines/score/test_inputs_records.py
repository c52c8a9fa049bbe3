"""Photos in TFRecords: listed and read by their number."""

from pathlib import Path

import pytest

from fcn_core.bad_image import BadImage
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.score import inputs
from tests.runs.listings import listed, read_all, rows, touch


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
    write_records(path, b"first", b"second", None, b"cut off")
    data = bytearray(path.read_bytes())
    data[data.index(b"second")] ^= 1
    path.write_bytes(data[:-5])
    reasons = []
    for row in rows(listed(path)).to_pylist():
        try:
            inputs.read(row, root=None)
            reasons.append("ok")
        except BadImage as bad:
            reasons.append(bad.reason)
    assert reasons == ["ok", "corrupt", "not-an-image", "corrupt"]


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


def test_a_damaged_length_ends_the_file_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, b"first", b"second", b"third")
    offsets = list(tfrecord.frame_offsets(path))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[offsets[1] + 2] ^= 1
    for data in (bytes(flipped), whole[: offsets[1] + 5]):
        path.write_bytes(data)
        found = rows(listed(path)).to_pylist()
        assert [row["offset"] for row in found] == offsets[:2]
        with pytest.raises(BadImage, match="corrupt: record 1 is damaged"):
            inputs.read_again(found[1]["image_uri"], version=found[1]["version"])
        with pytest.raises(BadImage, match="vanished"):
            inputs.read_again(files.to_uri(path) + "#2", version=found[1]["version"])
