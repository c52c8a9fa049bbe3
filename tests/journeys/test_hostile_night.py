"""No image stops the night: hostile files become rows, and all others are scored."""

import os
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fcn_core import images
from tests.drawn import hostile_files, image_parts, tiny_models
from tests.runs import score_runs

SEED = 5
"""Of the hostile files; with it there are HEIC and raw files among them."""
_RAW = ("CR2", "CR3", "CRW", "RW2", "ORF (second kind)", "X3F", "NEF by compression")


@pytest.fixture(scope="module")
def hostile() -> dict[str, hostile_files.HostileFile]:
    return {file.name: file for file in hostile_files.generate(SEED, 100)}


@pytest.fixture(scope="module")
def rows(
    hostile: dict[str, hostile_files.HostileFile],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, Any]]:
    """Returns the rows of a night of hostile files with good photos around each."""
    folder = tmp_path_factory.mktemp("hostile")
    photos = folder / "photos"
    photos.mkdir()
    for number, file in enumerate(hostile.values()):
        (photos / file.name).write_bytes(file.data)
        good = tiny_models.draw_photo(40 + number % 30, 60, seed=number)
        stem = file.name.partition(".")[0]
        (photos / f"{stem}-good.jpg").write_bytes(good)
    summary = score_runs.scored(
        photos, folder / "out", "--max_error_rate=1", "--chunk_size=32"
    )
    assert (summary["planned"], summary["ok"], summary["failed"]) == (200, 100, 100)
    assert summary["failures"] == Counter(file.reason for file in hostile.values())
    return score_runs.by_name(score_runs.table(folder / "out"))


def test_each_hostile_file_is_a_row_with_its_reason(
    rows: dict[str, dict[str, Any]], hostile: dict[str, hostile_files.HostileFile]
) -> None:
    got = {name: rows[name]["error_reason"] for name in hostile}
    assert got == {name: file.reason for name, file in hostile.items()}
    assert len(set(got.values())) >= 10
    for name in hostile:
        row = rows[name]
        assert (row["status"], row["error_stage"]) == ("failed", "decode")
        assert row["error_reason"] in images.REASONS
        assert 0 < len(row["error_detail"]) <= 200
        assert row["error_detail"].isascii()
        assert row["error_detail"].isprintable()
        assert row["mask_path"] is None
        assert row["segmentation_classes"] is None
        assert row["aesthetics_mean"] is None


def test_every_good_photo_between_them_is_scored(
    rows: dict[str, dict[str, Any]], hostile: dict[str, hostile_files.HostileFile]
) -> None:
    good = [row for name, row in rows.items() if name not in hostile]
    assert len(good) == len(hostile)
    assert {row["status"] for row in good} == {"ok"}
    assert all(row["mask_path"] for row in good)


def test_phone_and_camera_files_name_the_cure(
    rows: dict[str, dict[str, Any]], hostile: dict[str, hostile_files.HostileFile]
) -> None:
    by_kind = {file.why: rows[name]["error_detail"] for name, file in hostile.items()}
    assert "HEIC" in by_kind["HEIC"]
    assert "convert to JPEG" in by_kind["HEIC"]
    for kind in _RAW:
        assert "camera raw file" in by_kind[kind]
        assert "convert to JPEG with the camera's software" in by_kind[kind]


@pytest.mark.usefixtures("warm_lanes")
def test_what_is_not_a_regular_file_is_a_row_too(tmp_path: Path) -> None:
    photos, outside = tmp_path / "photos", tmp_path / "outside.jpg"
    score_runs.add_photos(photos, 3)
    outside.write_bytes(tiny_models.draw_photo())
    (photos / "folder").mkdir()
    os.mkfifo(photos / "fifo.jpg")
    (photos / "link.jpg").symlink_to("photo-000.jpg")
    (photos / "to-folder.jpg").symlink_to("folder")
    (photos / "gone.jpg").symlink_to("nowhere.jpg")
    (photos / "loop.jpg").symlink_to("loop.jpg")
    (photos / "outside.jpg").symlink_to(outside)
    (photos / "zero.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        _bind(listening, photos / "socket.jpg")
        score_runs.scored(photos, tmp_path / "out", "--chunk_size=4")
    assert score_runs.statuses(score_runs.table(tmp_path / "out")) == {
        "photo-000.jpg": "ok",
        "photo-001.jpg": "ok",
        "photo-002.jpg": "ok",
        "link.jpg": "ok",
        "fifo.jpg": "not-a-regular-file",
        "to-folder.jpg": "not-a-regular-file",
        "socket.jpg": "not-a-regular-file",
        "gone.jpg": "vanished",
        "loop.jpg": "io-error",
        "outside.jpg": "outside-root",
        "zero.jpg": "outside-root",
    }


@pytest.mark.slow
def test_a_photo_of_more_pixels_than_are_decoded_is_scored_and_shown(
    tmp_path: Path,
) -> None:
    """As phones write them; its mask is as large as it is."""
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    (photos / "phone.jpg").write_bytes(image_parts.flat_jpeg(6_944, 9_248))
    summary = score_runs.scored(photos, out, "--lanes=1")
    assert (summary["planned"], summary["ok"]) == (1, 1)
    (row,) = score_runs.table(out)
    assert (row["height"], row["width"]) == (6_944, 9_248)
    assert sum(row["segmentation_pixels"]) == 6_944 * 9_248
    (page,) = out.glob("report/*/index.html")
    assert page.read_text("utf-8").count("data:image/png") >= 1


def _bind(listening: socket.socket, path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has room for 107 bytes only
    try:
        listening.bind(path.name)
    finally:
        os.chdir(before)


@pytest.mark.usefixtures("warm_lanes")
def test_hostile_names_are_scored_under_safe_ones(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    names = [
        b"line\nbreak.jpg",
        b"not-utf-8-\xff\xfe.jpg",
        b"%2e%2e%2f..-.jpg",
        b"back\\slash.jpg",
        b"star*[abc]?.jpg",
        "right-to-left-\u202egpj.jpg".encode(),
        b"'; drop table scores; --.jpg",
        b"a" * 250 + b".jpg",
        b"upper.JPG",
        b"UPPER.jpg",
    ]
    for number, name in enumerate(names):
        with open(os.fsencode(photos) + b"/" + name, "wb") as file:  # noqa: PTH123
            file.write(tiny_models.draw_photo(30, 40, seed=number))
    summary = score_runs.scored(photos, out, "--chunk_size=3")
    assert (summary["planned"], summary["ok"]) == (len(names), len(names))
    rows = score_runs.table(out)
    assert len({row["image_key"] for row in rows}) == len(names)
    assert len({row["sha256"] for row in rows}) == len(names)
    for row in rows:
        folder = Path(score_runs.plan_folder(out).masks)
        assert (out / row["mask_path"]).parent.parent == folder
        assert set(row["image_key"]) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
        )
