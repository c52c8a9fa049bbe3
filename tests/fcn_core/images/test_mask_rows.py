"""Small pictures of masks are those of the whole mask, with little memory."""

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from fcn_core import images


def class_map(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (-(-height // 7), -(-width // 5)), np.uint8)
    return np.repeat(np.repeat(coarse, 7, 0), 5, 1)[:height, :width].copy()


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((40, 60), (40, 60)),
        ((41, 59), (20, 30)),
        ((375, 500), (270, 360)),
        ((1, 900), (1, 360)),
        ((2_999, 1_001), (360, 120)),
        ((30, 20), (60, 47)),
    ],
)
def test_it_takes_the_pixels_that_nearest_resizing_takes(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    whole = class_map(*shape)
    small = images.sample_mask(images.encode_mask(whole), size)
    expected = Image.fromarray(whole).resize(size[::-1], Image.Resampling.NEAREST)
    np.testing.assert_array_equal(small, np.array(expected))


def test_a_mask_larger_than_any_whole_picture_needs_little_memory() -> None:
    """Photos of phones are; a page that decodes their masks would end the night."""
    coded = images.encode_mask(np.repeat(class_map(9_000, 3), 2_000, 1))
    with pytest.raises(images.BadImage, match="too-many-pixels"):
        images.decode_mask(coded)
    tracemalloc.start()
    try:
        small = images.sample_mask(coded, (270, 360))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert small.shape == (270, 360)
    assert peak < 30_000_000


def test_other_files_and_damage_are_refused() -> None:
    whole = class_map(40, 60)
    coded = bytearray(images.encode_mask(whole))
    with pytest.raises(images.BadImage, match="unsupported-variant"):
        images.sample_mask(images.encode_grey(whole), (4, 6))
    with pytest.raises(images.BadImage, match="unsupported-variant"):
        images.sample_mask(_filtered_otherwise(whole), (4, 6))
    with pytest.raises(images.BadImage, match="corrupt"):
        images.sample_mask(bytes(coded[: len(coded) // 2]), (4, 6))


def _filtered_otherwise(whole: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(whole, "P").save(file, "PNG", bits=8)
    return file.getvalue()
