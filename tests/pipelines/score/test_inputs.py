"""Inputs: what `--input` names, listed the same whatever the order of the disk."""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.score import items
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
