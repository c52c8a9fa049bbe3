"""JPEGs of sampling factors that the strict decoder has no name for."""

import io
import random

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from tests.drawn import jpeg_coder
from tests.drawn.jpeg_coder import Component

ROWS, COLUMNS = 6, 8
RARE = [
    ((2, 2), (1, 2), (1, 1)),
    ((4, 2), (1, 1), (1, 1)),
    ((2, 2), (2, 1), (1, 2)),
    ((3, 1), (1, 1), (1, 1)),
    ((1, 1), (2, 2), (1, 1)),
]


def drawn(
    factors: tuple[tuple[int, int], ...], seed: int, *, less: tuple[int, int] = (3, 5)
) -> bytes:
    rng = np.random.default_rng(seed)
    components = []
    for across, down in factors:
        blocks = np.zeros((ROWS * down, COLUMNS * across, 64), int)
        blocks[..., 0] = rng.normal(0, 20, blocks.shape[:2]).cumsum(1).clip(-200, 200)
        blocks[..., 1:8] = rng.normal(0, 9, (*blocks.shape[:2], 7))
        components.append(Component(across, down, blocks))
    height = ROWS * 8 * max(down for _, down in factors) - less[0]
    width = COLUMNS * 8 * max(across for across, _ in factors) - less[1]
    return jpeg_coder.encode(components, height, width)


@pytest.mark.parametrize("factors", RARE)
def test_good_ones_are_decoded(factors: tuple[tuple[int, int], ...]) -> None:
    for seed in range(2):
        data = drawn(factors, seed)
        expected = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
        for odd in (data, data[:-2], data[:-2] + bytes(64) + data[-2:]):
            pixels = images.decode(odd, max_side=20).pixels
            np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("factors", RARE)
def test_missing_data_refuse_them(factors: tuple[tuple[int, int], ...]) -> None:
    rng = random.Random(str(factors))
    for seed in range(4):
        data = drawn(factors, seed)
        start = data.rindex(b"\xff\xda") + 14
        at = rng.randrange(start, len(data) - 40)
        for cut in (data[:at], data[:at] + data[-2:], data[:at] + bytes(99)):
            with pytest.raises(images.BadImage, match="corrupt"):
                images.decode(cut)


def test_bytes_left_over_refuse_them() -> None:
    data = drawn(RARE[0], 0)
    extra = random.Random(4).randbytes(40).replace(b"\xff", b"")
    with pytest.raises(images.BadImage, match=r"corrupt-strict: .*bytes more than its"):
        images.decode(data[:-2] + extra + data[-2:])


@pytest.mark.parametrize("factors", RARE)
def test_blocks_beyond_the_edges_count(factors: tuple[tuple[int, int], ...]) -> None:
    """They show in no pixel; what ends among them ends early."""
    for seed in range(3):
        for less in ((7, 7), (7, 11), (9, 20)):
            whole = drawn(factors, seed, less=less)
            expected = np.array(Image.open(io.BytesIO(whole)).convert("RGB"))
            np.testing.assert_array_equal(images.decode(whole).pixels, expected)
            for lost in (3, 9, 30):
                with pytest.raises(images.BadImage, match="corrupt: "):
                    images.decode(whole[: -2 - lost] + whole[-2:])
