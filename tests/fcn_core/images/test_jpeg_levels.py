"""Levels that jump although no decoder warns: what is refused, and what is not."""

import io

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from fcn_core.images import jpeg_levels
from tests.drawn import image_parts, jpeg_coder
from tests.drawn.jpeg_coder import Component

ROWS, COLUMNS = 14, 16
STEP = 4


def picture(seed: int, *, bright: int = 0) -> np.ndarray:
    """Returns smooth colours with some noise, uint8 `[h, w]`."""
    rows, columns = np.mgrid[: ROWS * 8, : COLUMNS * 8]
    level = 50 * np.sin(rows / 43 + seed) + 40 * np.cos(columns / 47 + rows / 90)
    noise = np.random.default_rng(seed).normal(0, 3, level.shape)
    return (level + noise + 128 + bright).clip(0, 255).astype(np.uint8)


def blocks(seed: int) -> np.ndarray:
    return jpeg_coder.blocks_of(picture(seed), step=STEP)


def jpeg(luma: np.ndarray) -> bytes:
    flat = np.zeros_like(luma)
    components = [Component(1, 1, luma), Component(1, 1, flat), Component(1, 1, flat)]
    return jpeg_coder.encode(components, ROWS * 8, COLUMNS * 8, step=STEP)


def moved(luma: np.ndarray, at: int, by: int) -> np.ndarray:
    """Returns what a wrong difference of a block leaves: all behind it is moved."""
    flat = luma.reshape(-1, 64).copy()
    flat[at:, 0] += by * 8 // STEP
    return flat.reshape(luma.shape)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("by", [-60, 40, 90])
def test_levels_that_jump_within_a_row_are_refused(seed: int, by: int) -> None:
    good = blocks(seed)
    images.decode(jpeg(good), is_foreign=True)
    for at in (5 * COLUMNS + 6, 9 * COLUMNS + 9):
        odd = jpeg(moved(good, at, by))
        with pytest.raises(images.BadImage, match="colours jump") as caught:
            images.decode(odd, is_foreign=True)
        assert caught.value.reason in {"corrupt", "corrupt-strict"}
        assert f"at row {at // COLUMNS * 8}" in caught.value.detail
        images.decode(odd)  # which only those ask for who have checked it before


def test_levels_outside_their_range_are_proof() -> None:
    for seed, by in ((0, 200), (1, -150), (2, 130)):
        odd = jpeg(moved(blocks(seed), 6 * COLUMNS + 5, by))
        for side in (None, 60, 30):
            with pytest.raises(
                images.BadImage, match=r"corrupt: .*outside their range"
            ):
                images.decode(odd, is_foreign=True, max_side=side)


def test_frames_and_steps_of_pictures_are_no_jumps() -> None:
    for seed in range(2):
        for bright in (-90, 0, 100):
            plain = picture(seed, bright=bright)
            framed, horizon, tilted = plain.copy(), plain.copy(), plain.copy()
            framed[:24] = framed[-16:] = 0
            horizon[56:] = 250 - plain[56:] // 2
            for column in range(COLUMNS * 8):
                tilted[40 + column // 12 :, column] = 180
            for pixels in (plain, framed, horizon, tilted):
                good = jpeg(jpeg_coder.blocks_of(pixels, step=STEP))
                found = images.decode(good, is_foreign=True).pixels[..., 0]
                assert np.abs(found - pixels.astype(int)).mean() < 2


@pytest.mark.parametrize("side", [120, 400, 900])
def test_soft_edges_of_drawn_cards_are_no_jumps(side: int) -> None:
    """Colours that change along a whole row, up on the left and down on the right."""
    rng = np.random.default_rng(side)
    for trial in range(12):
        card = np.zeros((240, 320, 3), np.uint8)
        row, column = rng.integers(60, 180), rng.integers(80, 240)
        for part in (card[:row, :column], card[:row, column:]):
            part[...] = rng.integers(0, 256, 3)
        for part in (card[row:, :column], card[row:, column:]):
            part[...] = rng.integers(0, 256, 3)
        file = io.BytesIO()
        scale = Image.Resampling.BICUBIC if trial % 2 else Image.Resampling.LANCZOS
        large = Image.fromarray(card).resize((side * 4 // 3, side), scale)
        large.save(file, "JPEG", quality=60, subsampling=trial % 3)
        images.decode(file.getvalue(), is_foreign=True)
        images.check(file.getvalue())


def test_every_block_is_checked_without_pixels() -> None:
    for seed in range(3):
        good = jpeg(blocks(seed))
        assert images.check(good).orientation == 1
        # Which only the slow way can tell:
        assert images.check(good[:-2]).orientation == 1
        for by in (200, -180):
            odd = jpeg(moved(blocks(seed), 6 * COLUMNS + 5, by))
            with pytest.raises(images.BadImage, match=r"corrupt: .*outside their"):
                images.check(odd)
        with pytest.raises(images.BadImage, match=r"corrupt: "):
            images.check(good[: len(good) // 2])


def test_what_is_checked_is_what_is_decoded() -> None:
    """The same files are refused, of every kind, and the same turn is found."""
    turned = image_parts.flat_jpeg(24, 40, before=_exif_segment(6))
    orientation = images.decode(turned).orientation
    assert images.check(turned).orientation == orientation == 6
    for kind in ("PNG", "WEBP", "GIF", "BMP", "TIFF"):
        file = io.BytesIO()
        Image.fromarray(picture(1)).save(file, kind)
        found = images.check(file.getvalue())
        assert (found.format, found.orientation) == (kind, 1)
        with pytest.raises(images.BadImage):
            images.check(file.getvalue()[:-40])


def _exif_segment(orientation: int) -> bytes:
    return image_parts.jpeg_segment(0xE1, image_parts.exif(orientation))


def test_small_and_narrow_pictures_are_not_judged() -> None:
    odd = moved(blocks(1), 2 * COLUMNS + 9, 60)[:4]
    flat = np.zeros_like(odd)
    parts = [Component(1, 1, odd), Component(1, 1, flat), Component(1, 1, flat)]
    images.decode(jpeg_coder.encode(parts, 32, COLUMNS * 8), is_foreign=True)


def test_a_reduced_picture_needs_more_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[float]()

    def some_evidence(*_: object) -> float:
        seen.append(100.0)
        return seen[-1]

    monkeypatch.setattr(jpeg_levels, "jump_evidence", some_evidence)
    odd = jpeg(moved(blocks(0), 5 * COLUMNS + 6, 40))
    with pytest.raises(images.BadImage, match="colours jump"):
        images.decode(odd, is_foreign=True)
    assert len(seen) == 1
    images.decode(odd, max_side=COLUMNS * 4, is_foreign=True)
    assert len(seen) == 2
