"""A night of `fcn score` gives what the scorer gives for each photo by itself."""

import dataclasses
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcn_core import images, scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.labels import RATING_TASKS
from pipelines.score import masks
from pipelines.score.rows import SCORES_SCHEMA
from tests.drawn import tiny_models
from tests.runs import score_runs

MAX_SIDE = 160
SIZES = (
    (1, 1),
    (1, 90),
    (90, 1),
    (31, 32),
    (64, 64),
    (65, 100),
    (100, 65),
    (128, 128),
    (129, 127),
    (161, 90),
    (240, 320),
    (700, 300),
)
"""Around the rounding of sides and around MAX_SIDE, and far above it."""


def _write_photos(folder: Path) -> None:
    folder.mkdir()
    for number, (height, width) in enumerate(SIZES):
        kind = ("JPEG", "PNG", "WEBP")[number % 3]
        data = tiny_models.draw_photo(height, width, seed=number, kind=kind)
        (folder / f"{height}x{width}.{kind.lower()}").write_bytes(data)
    turned = Image.fromarray(tiny_models.draw_pixels(60, 90, seed=50))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(folder / "turned.jpg", exif=exif)
    turned.convert("CMYK").save(folder / "cmyk.jpg")
    grey = tiny_models.draw_pixels(70, 50, seed=51)[..., 0].astype(np.uint16) * 257
    Image.fromarray(grey).save(folder / "grey-16-bit.png")
    (folder / "cut.jpg").write_bytes(tiny_models.draw_photo(seed=52)[:-200])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("equivalence") / "photos"
    _write_photos(folder)
    return folder


MODELS = ("voc21", "aesthetics", "quality")
"""The default: three models in one pass."""

FLAGS = ("--model", *MODELS)

Expected = dict[str, scoring.PhotoScore | images.BadImage]


def _scorers() -> list[scoring.Scorer]:
    return [scoring.load_scorer(name) for name in MODELS]


def _score_directly(
    photos: Path, *, max_side: int | None, with_masks: bool = True
) -> Expected:
    scorer = scoring.PhotoScorer(_scorers(), max_side=max_side, masks=with_masks)
    return dict(_each(photos, scorer))


def _each(
    photos: Path, scorer: scoring.PhotoScorer
) -> Iterator[tuple[str, scoring.PhotoScore | images.BadImage]]:
    for path in sorted(photos.iterdir()):
        try:
            yield path.name, scorer.score_photo(path.read_bytes())
        except images.BadImage as bad:
            yield path.name, bad


@pytest.fixture(scope="module")
def expected(photos: Path) -> Expected:
    return _score_directly(photos, max_side=MAX_SIDE)


OTHER = ("1x90", "65x100", "700x300", "turned", "cut")
"""Photos that differ in kind: a new shape is what costs, each in each process."""


@pytest.fixture(scope="module")
def others(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("equivalence") / "others"
    folder.mkdir()
    for path in photos.iterdir():
        if path.stem in OTHER:
            shutil.copy2(path, folder)
    assert len(list(folder.iterdir())) == len(OTHER)
    return folder


def _row(photo: Path, score: scoring.PhotoScore | images.BadImage) -> dict[str, Any]:
    """Returns the row a photo must have, save for where its mask lies."""
    cards = [ModelCard.read(scoring.find_bundle(name)) for name in MODELS]
    status = photo.stat()
    uri = os.fspath(photo)
    row: dict[str, Any] = dict.fromkeys(SCORES_SCHEMA.names)
    row |= {
        "image_key": re.sub(r"\W", "_", photo.stem, flags=re.ASCII)[:40]
        + f"-{hashlib.sha256(uri.encode()).hexdigest()[:20]}",
        "image_uri": uri,
        "version": f"{status.st_size}-{status.st_mtime_ns}",
        "models": "+".join(f"{card.name}@{card.version}" for card in cards),
        "decode_policy": images.DECODE_POLICY,
    }
    if isinstance(score, images.BadImage):
        reason = {"error_stage": score.stage, "error_reason": score.reason}
        return row | reason | {"status": "failed", "error_detail": score.detail}
    row |= {
        "status": "ok",
        "sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
        "width": score.width,
        "height": score.height,
    }
    if score.class_pixels is not None:
        counts = np.array(score.class_pixels)
        row["segmentation_classes"] = np.flatnonzero(counts).tolist()
        row["segmentation_pixels"] = counts[counts > 0].tolist()
        row["dominant_class"] = score.dominant_class
        row["mask_sha256"] = score.mask_sha256
    for task in RATING_TASKS:
        ratings = getattr(score, f"{task}_ratings")
        row[f"{task}_ratings"] = None if ratings is None else list(ratings)
        for name in (f"{task}_mean", f"{task}_std"):
            row[name] = getattr(score, name)
    return row


def _check(
    out: Path, photos: Path, expected: Expected, *, max_side: int | None
) -> None:
    rows = score_runs.by_name(score_runs.table(out))
    assert sorted(rows) == sorted(expected)
    scorers = _scorers()
    fingerprint = scoring.row_fingerprint(
        [scorer.card for scorer in scorers],
        [scorer.arithmetic for scorer in scorers],
        max_side=max_side,
    )
    for name, score in expected.items():
        row = rows[name]
        path, row["mask_path"] = row["mask_path"], None
        assert row == _row(photos / name, score) | {"fingerprint": fingerprint}
        png = score.mask_png if isinstance(score, scoring.PhotoScore) else None
        assert (None if path is None else masks.read(os.fspath(out), path)) == png


@pytest.mark.parametrize(
    ("chunk_size", "lanes", "layout"),
    [
        pytest.param(3, 1, "png", marks=pytest.mark.slow),
        (5, 3, "tar"),
        pytest.param(7, 2, "tar", marks=pytest.mark.slow),
    ],
)
def test_a_night_equals_the_scorer_photo_by_photo(
    photos: Path,
    expected: Expected,
    tmp_path: Path,
    chunk_size: int,
    lanes: int,
    layout: str,
) -> None:
    flags: dict[str, int | str] = {"chunk_size": chunk_size, "lanes": lanes}
    flags["masks"] = layout
    _check_night(photos, expected, tmp_path, flags)


def test_chunks_of_one_photo_and_masks_in_files(
    others: Path, expected: Expected, tmp_path: Path
) -> None:
    some = {path.name: expected[path.name] for path in others.iterdir()}
    _check_night(others, some, tmp_path, {"chunk_size": 1, "lanes": 2, "masks": "png"})


def _check_night(
    photos: Path, expected: Expected, out: Path, flags: dict[str, int | str]
) -> None:
    chunk_size = int(flags["chunk_size"])
    assert len(expected) > 2 * chunk_size, "one chunk proves nothing about many"
    settings = [f"--{name}={value}" for name, value in flags.items()]
    summary = score_runs.scored(
        photos, out, *settings, f"--max_side={MAX_SIDE}", *FLAGS
    )
    assert score_runs.part_count(out) == -(-len(expected) // chunk_size)
    assert (summary["ok"], summary["failed"]) == (len(expected) - 1, 1)
    _check(out, photos, expected, max_side=MAX_SIDE)


def test_the_photos_prove_something(expected: Expected) -> None:
    scores = [s for s in expected.values() if isinstance(s, scoring.PhotoScore)]
    assert {(s.height, s.width) for s in scores} >= set(SIZES)
    assert len({s.mask_sha256 for s in scores}) > len(scores) // 2
    assert max(max(s.height, s.width) for s in scores) > 4 * MAX_SIDE
    assert any(isinstance(score, images.BadImage) for score in expected.values())


@pytest.mark.usefixtures("warm_lanes")
def test_the_cards_own_working_size_without_max_side(
    others: Path, tmp_path: Path
) -> None:
    assert all(
        (scorer.card.max_side or 0) < max(max(size) for size in SIZES)
        for scorer in _scorers()
    )
    expected = _score_directly(others, max_side=None)
    score_runs.scored(others, tmp_path, "--chunk_size=2", *FLAGS)
    _check(tmp_path, others, expected, max_side=None)


@pytest.mark.usefixtures("warm_lanes")
def test_without_masks_the_rows_are_the_same(
    others: Path, expected: Expected, tmp_path: Path
) -> None:
    score_runs.scored(
        others,
        tmp_path,
        *("--chunk_size=2", "--masks=none", f"--max_side={MAX_SIDE}", *FLAGS),
    )
    bare = {
        path.name: dataclasses.replace(score, mask_png=None, mask_sha256=None)
        if isinstance(score := expected[path.name], scoring.PhotoScore)
        else score
        for path in others.iterdir()
    }
    _check(tmp_path, others, bare, max_side=MAX_SIDE)
    assert not (tmp_path / "masks").exists()
