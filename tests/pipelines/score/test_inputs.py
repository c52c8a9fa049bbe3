"""Inputs: what `--input` names, listed the same whatever the order of the disk."""

import os
import random
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from fcn_core.records import tfrecord
from pipelines import files
from pipelines.score import inputs, items
from tests.runs.listings import listed, names, read_all, refusal, rows, touch

LISTED = ["B.JPEG", "a.jpg", "iphone.HEIC", "raw.cr2", "sub/d.webp", "sub/deep/c.Png"]


def test_a_folder_is_searched_through(photos: Path) -> None:
    listing = listed(photos)
    assert names(listing, photos) == LISTED
    assert listing.root == os.fspath(photos)
    assert listing.ignored == 5
    assert rows(listing).schema.equals(items.LISTING_SCHEMA)
    assert read_all(listing) == [name.encode() for name in LISTED]


def test_the_order_of_the_disk_does_not_matter(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = listed(photos)
    walk = files.walk_pinned

    def shuffled(root: str, **options: Any) -> list[files.Pinned | None]:
        found = list(walk(root, **options))
        random.Random(7).shuffle(found)
        return found

    monkeypatch.setattr(files, "walk_pinned", shuffled)
    assert rows(listed(photos)).equals(rows(expected))


def test_one_photo(photos: Path) -> None:
    listing = listed(photos / "a.jpg")
    assert names(listing, photos) == ["a.jpg"]
    assert listing.root is None


def test_a_relative_name_is_the_same_photo(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    for name in ("photos", "./photos/", f"file://{photos}"):
        assert rows(listed(name)).equals(rows(listed(photos)))


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


def test_nothing_there_and_nothing_in_it(tmp_path: Path) -> None:
    assert "got nothing there" in refusal(tmp_path / "nowhere")
    assert "got no photo" in refusal(tmp_path)
    touch(tmp_path, "a.txt", "b.mp4")
    assert "got no photo among 2 files" in refusal(tmp_path)
    assert "s3:// location, expected a local path or gs://" in refusal("s3://b/photos")
    assert "s3://" in refusal("s3://b/*.jpg")


def _forbid(monkeypatch: pytest.MonkeyPatch, *, ending: str) -> None:
    """Makes folders whose paths end so unreadable, for root, too."""
    scandir, access = os.scandir, os.access

    def forbidden(folder: str) -> object:
        if os.fspath(folder).rstrip("/").endswith(ending):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    def accessible(folder: str, mode: int) -> bool:
        return not folder.rstrip("/").endswith(ending) and access(folder, mode)

    monkeypatch.setattr(os, "scandir", forbidden)
    monkeypatch.setattr(os, "access", accessible)


def test_a_folder_below_that_cannot_be_listed_is_counted_and_named(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forbid(monkeypatch, ending="deep")
    expected = [name for name in LISTED if "deep" not in name]
    for uri in (photos, photos / "**" / "*.*"):
        listing = listed(uri)
        assert names(listing, photos) == expected
        (place,) = listing.aside.unread
        assert files.to_path(place.uri) == photos / "sub" / "deep"
        assert place.why == "permission denied"
        assert (listing.aside.folders, listing.aside.lost) == (1, 0)


def test_an_input_that_cannot_be_listed_is_one_line(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forbid(monkeypatch, ending=photos.name)
    assert "permission denied" in refusal(photos)


def test_folders_of_a_nas_are_left_out_and_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "b/c.jpg")
    touch(tmp_path, "#recycle/old.jpg", "$Recycle.Bin/$R1.jpg", "lost+found/#12.jpg")
    touch(tmp_path, "@eaDir/x.jpg", "a@eaDir/kept.jpg")
    for uri in (tmp_path, tmp_path / "**" / "*.jpg"):
        listing = listed(uri)
        assert names(listing, tmp_path) == ["a.jpg", "a@eaDir/kept.jpg", "b/c.jpg"]
        assert listing.aside.left_out == {
            "#recycle": 1,
            "$RECYCLE.BIN": 1,
            "@eaDir": 2,
            "lost+found": 1,
        }
    asked = listed(tmp_path / "#recycle")
    assert names(asked, tmp_path) == ["#recycle/old.jpg"]
    by_glob = listed(tmp_path / "#recycle" / "*.jpg")
    assert names(by_glob, tmp_path) == ["#recycle/old.jpg"]
    named = listed(tmp_path / "*" / "@eaDir" / "*" / "*.jpg")
    assert names(named, tmp_path) == ["b/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg"]


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (["*_old.jpg"], ["a.jpg", "x/small/c.jpg", "x/small/d.jpg"]),
        (["small"], ["a.jpg", "b_old.jpg"]),
        (["x/*"], ["a.jpg", "b_old.jpg"]),
        (["x/small/c.jpg", "a.*"], ["b_old.jpg", "x/small/d.jpg"]),
    ],
)
def test_what_is_excluded_is_left_out_and_counted(
    tmp_path: Path, exclude: list[str], expected: list[str]
) -> None:
    touch(tmp_path, "a.jpg", "b_old.jpg", "x/small/c.jpg", "x/small/d.jpg")
    output = files.to_uri(tmp_path / "out")
    for uri in (tmp_path, tmp_path / "**" / "*.jpg"):
        listing = inputs.list_photos(os.fspath(uri), output=output, exclude=exclude)
        assert names(listing, tmp_path) == expected
        assert set(listing.aside.left_out) == set(exclude)


def test_a_pattern_is_compared_in_one_normal_form(tmp_path: Path) -> None:
    touch(tmp_path, unicodedata.normalize("NFD", "caf\u00e9.jpg"), "b.jpg")
    output = files.to_uri(tmp_path / "out")
    listing = inputs.list_photos(
        os.fspath(tmp_path), output=output, exclude=["caf\u00e9.*"]
    )
    assert names(listing, tmp_path) == ["b.jpg"]


def test_nothing_but_unreadable_folders_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "closed/a.jpg")
    _forbid(monkeypatch, ending="closed")
    message = refusal(tmp_path)
    assert "closed: permission denied" in message


def test_an_input_in_another_normal_form_is_found(tmp_path: Path) -> None:
    folder = tmp_path / unicodedata.normalize("NFD", "caf\u00e9")
    touch(folder, "a.jpg")
    listing = listed(tmp_path / "caf\u00e9")
    assert names(listing, folder) == ["a.jpg"]
    assert listing.root == os.fspath(folder)
    assert "got nothing there" in refusal(tmp_path / "th\u00e9")


def test_a_folder_of_records_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, "dataset_info.json")
    (tmp_path / "empty.tfrecord").write_bytes(b"")
    with (tmp_path / "train-00000-of-00001.tfrecord").open("wb") as file:
        tfrecord.write_frame(file, b"a record")
    listing = listed(tmp_path)
    assert names(listing, tmp_path) == ["train-00000-of-00001.tfrecord#0"]
