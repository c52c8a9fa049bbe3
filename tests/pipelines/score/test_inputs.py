"""Inputs: what `--input` names, listed the same whatever the order of the disk."""

import os
import random
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fcn_core.bad_image import BadImage
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import inputs


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of photos, with what a real one has beside them."""
    root = tmp_path / "photos"
    touch(
        root,
        "a.jpg",
        "B.JPEG",
        "sub/deep/c.Png",
        "sub/d.webp",
        "iphone.HEIC",
        "raw.cr2",
        "notes.txt",
        "movie.mp4",
        "jpg",  # a name, not an extension
        ".hidden.jpg",
        "._a.jpg",  # what a Mac leaves beside a.jpg
        ".thumbnails/a.jpg",
    )
    return root


LISTED = ["B.JPEG", "a.jpg", "iphone.HEIC", "raw.cr2", "sub/d.webp", "sub/deep/c.Png"]


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def listed(uri: str | Path, *, output: str | Path = "/nowhere/out") -> inputs.Listing:
    return inputs.list_photos(os.fspath(uri), output=files.to_uri(output))


def names(listing: inputs.Listing, root: Path) -> list[str]:
    uris = listing.photos["image_uri"].to_pylist()
    return [os.path.relpath(files.to_path(uri), root) for uri in uris]


def read_all(listing: inputs.Listing) -> list[bytes]:
    return [
        inputs.read(
            row["image_uri"],
            version=row["version"],
            offset=row["offset"],
            root=listing.root,
        )
        for row in listing.photos.to_pylist()
    ]


def refusal(uri: str | Path, *, output: str | Path = "/nowhere/out") -> str:
    """Returns the one line that refuses an input."""
    with pytest.raises(UsageError) as caught:
        listed(uri, output=output)
    assert "\n" not in str(caught.value)
    assert str(uri) in str(caught.value)
    return str(caught.value)


def test_a_folder_is_searched_through(photos: Path) -> None:
    listing = listed(photos)
    assert names(listing, photos) == LISTED
    assert listing.root == os.fspath(photos)
    assert listing.ignored == 5
    assert listing.photos.schema.equals(inputs.LISTING_SCHEMA)
    assert read_all(listing) == [name.encode() for name in LISTED]


def test_the_order_of_the_disk_does_not_matter(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = listed(photos)
    walk = files.walk

    def shuffled(root: str, *, leave_out: Iterable[str]) -> list[str]:
        found = list(walk(root, leave_out=leave_out))
        random.Random(7).shuffle(found)
        return found

    monkeypatch.setattr(files, "walk", shuffled)
    assert listed(photos).photos.equals(expected.photos)


def test_one_photo(photos: Path) -> None:
    listing = listed(photos / "a.jpg")
    assert names(listing, photos) == ["a.jpg"]
    assert listing.root is None


def test_a_relative_name_is_the_same_photo(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    for name in ("photos", "./photos/", f"file://{photos}"):
        assert listed(name).photos.equals(listed(photos).photos)


def test_an_output_inside_the_input_is_not_read(photos: Path) -> None:
    touch(photos, "out/x.jpg", "out/masks/run_date=d/x.png", "outer/x.jpg")
    found = names(listed(photos, output=photos / "out"), photos)
    assert found == sorted([*LISTED, "outer/x.jpg"])


def test_an_output_that_is_a_link_into_the_input_is_not_read(photos: Path) -> None:
    touch(photos, "out/x.jpg")
    (photos.parent / "link").symlink_to(photos / "out")
    assert names(listed(photos, output=photos.parent / "link"), photos) == LISTED


def test_results_beside_the_photos_are_not_read(photos: Path) -> None:
    touch(photos, "masks/run_date=d/x.png", "report/x.png", "_runs/x.png")
    assert names(listed(photos, output=photos), photos) == LISTED


def test_photos_inside_the_output_are_read(photos: Path) -> None:
    assert names(listed(photos, output=photos.parent), photos) == LISTED


def test_results_are_no_input(photos: Path) -> None:
    touch(photos, "masks/run_date=d/x.png")
    assert "results" in refusal(photos / "masks", output=photos)


def test_a_glob(photos: Path) -> None:
    assert names(listed(photos / "*.[jJ]*"), photos) == ["B.JPEG", "a.jpg"]
    found = names(listed(photos / "**" / "*.*"), photos)
    assert found == LISTED
    assert "expected at least one photo" in refusal(photos / "*.gif")
    assert "got no photo" in refusal(photos / "*.txt")


def test_a_glob_leaves_the_output_out(photos: Path) -> None:
    touch(photos, "out/masks/x.png", "masks/x.png")
    pattern = photos / "**" / "*.[pP]ng"
    assert names(listed(pattern, output=photos / "out"), photos) == [
        "masks/x.png",
        "sub/deep/c.Png",
    ]
    assert names(listed(pattern, output=photos), photos) == [
        "out/masks/x.png",
        "sub/deep/c.Png",
    ]


def test_a_folder_with_a_pattern_for_a_name_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "photos [2026]/a.jpg")
    assert names(listed(tmp_path / "photos [2026]"), tmp_path) == [
        "photos [2026]/a.jpg"
    ]


def test_a_text_manifest(photos: Path) -> None:
    lines = [
        "\ufeffa.jpg",
        "",
        "sub/../a.jpg",
        "  sub/d.webp  ",
        f"{photos}/B.JPEG",
        f"file://{photos}/B.JPEG",
        "gone.jpg",
        "odd\u2028name\x0c.jpg",
        "no extension",
    ]
    (photos / "list.txt").write_bytes("\r\n".join(lines).encode())
    listing = listed(photos / "list.txt")
    assert listing.root is None
    assert names(listing, photos) == [
        "B.JPEG",
        "a.jpg",
        "gone.jpg",
        "no extension",
        "odd\u2028name\x0c.jpg",
        "sub/d.webp",
    ]
    versions = dict(zip(names(listing, photos), listing.photos["version"], strict=True))
    assert versions["gone.jpg"].as_py() == "unknown"


def test_manifests_of_every_kind_say_the_same(photos: Path, tmp_path: Path) -> None:
    entries = ["a.jpg", "sub/d.webp", "a.jpg"]
    (photos / "list.lst").write_text("\n".join(entries))
    rows = "".join(f'7,"{entry}"\r\n' for entry in [*entries, "  "])
    (photos / "list.CSV").write_bytes(b"\xef\xbb\xbfid,image_uri\r\n" + rows.encode())
    column = pa.array([*entries, None, ""])
    pq.write_table(pa.table({"image_uri": column}), photos / "list.parquet")
    for name in ("list.lst", "list.CSV", "list.parquet"):
        assert names(listed(photos / name), photos) == ["a.jpg", "sub/d.webp"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.csv", b"id,uri\n1,a.jpg\n", "got the columns id, uri, expected one"),
        ("list.csv", b"", "got the columns none"),
        ("list.csv", b"image_uri\ncaf\xe9.jpg\n", "UTF-8"),
        ("list.csv", b"image_uri\n" + b"x" * 200_000, "field larger"),
        ("list.txt", b"caf\xe9.jpg\n", "UTF-8"),
        ("list.txt", b"\n\n", "got no photo"),
        ("list.txt", b"gs://bucket/a.jpg\n", "gs://bucket/a.jpg"),
        ("list.parquet", b"PAR1 it is not", "expected a .parquet file"),
        ("list.json", b"[]", "got a .json file"),
        ("nameless", b"", "got a nameless file"),
    ],
)
def test_what_is_no_manifest_is_one_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        listed(tmp_path / name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parquet_column_of_numbers_is_one_line(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image_uri": [1, 2]}), tmp_path / "list.parquet")
    assert "int64" in refusal(tmp_path / "list.parquet")


def test_nothing_there_and_nothing_in_it(tmp_path: Path) -> None:
    assert "got nothing there" in refusal(tmp_path / "nowhere")
    assert "got no photo" in refusal(tmp_path)
    touch(tmp_path, "a.txt", "b.mp4")
    assert "got no photo among 2 files" in refusal(tmp_path)
    assert "gs://" in refusal("gs://bucket/photos")
    assert "gs://" in refusal("gs://bucket/*.jpg")


def test_a_folder_that_cannot_be_listed_is_one_line(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def forbidden(folder: str) -> object:
        if folder.endswith("deep"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", forbidden)
    assert "permission denied" in refusal(photos)


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
    rows = listing.photos.to_pylist()
    assert sorted(row["image_uri"] for row in rows) == [
        row["image_uri"] for row in rows
    ]
    uri = files.to_uri(tmp_path / "a-00000-of-00001.tfrecord")
    by_uri = {row["image_uri"]: row for row in rows}
    assert set(by_uri) == {f"{uri}#{n}" for n in range(12)}
    for number, photo in enumerate(photos):
        row = by_uri[f"{uri}#{number}"]
        args = {"version": row["version"], "offset": row["offset"]}
        assert inputs.read(row["image_uri"], root=None, **args) == photo
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
    for row in listed(path).photos.to_pylist():
        args = {"version": row["version"], "offset": row["offset"]}
        try:
            inputs.read(row["image_uri"], root=None, **args)
            reasons.append("ok")
        except BadImage as bad:
            reasons.append(bad.reason)
    assert reasons == ["ok", "corrupt", "not-an-image", "corrupt"]


def test_a_damaged_length_ends_the_file_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, b"first", b"second", b"third")
    offsets = list(tfrecord.frame_offsets(path))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[offsets[1] + 2] ^= 1
    for data in (bytes(flipped), whole[: offsets[1] + 5]):
        path.write_bytes(data)
        rows = listed(path).photos.to_pylist()
        assert [row["offset"] for row in rows] == offsets[:2]
        with pytest.raises(BadImage, match="corrupt: record 1 is damaged"):
            inputs.read_again(rows[1]["image_uri"], version=rows[1]["version"])
        with pytest.raises(BadImage, match="vanished"):
            inputs.read_again(files.to_uri(path) + "#2", version=rows[1]["version"])


def test_records_of_another_version_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    write_records(path, b"first", b"second")
    row = listed(path).photos.to_pylist()[1]
    write_records(path, b"other", b"photos", b"now")
    args = {"version": row["version"], "offset": row["offset"]}
    with pytest.raises(BadImage) as caught:
        inputs.read(row["image_uri"], root=None, **args)
    assert caught.value.reason == "changed-while-reading"


def test_a_file_with_a_number_sign_is_no_record(tmp_path: Path) -> None:
    touch(tmp_path, "a", "a#1")
    uri = files.to_uri(tmp_path / "a#1")
    assert inputs.read_again(uri, version=files.version(uri)) == b"a#1"
