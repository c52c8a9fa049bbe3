import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core.rendering.sticker import erode, sticker

CAT = 8


def disc(height: int, width: int) -> NDArray[np.uint8]:
    rows, columns = np.ogrid[:height, :width]
    inside = (rows - 40) ** 2 + (columns - 60) ** 2 < 30**2
    return np.where(inside, CAT, 0).astype(np.uint8)


def test_a_sticker_is_the_object_on_a_transparent_square() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, (100, 150, 3), np.uint8)
    result = sticker(pixels, disc(100, 150), CAT)
    assert result.shape == (512, 512, 4)
    assert result.dtype == np.uint8
    assert set(np.unique(result[..., 3])) == {0, 255}
    inside = result[..., 3] == 255
    contour = (result[..., :3] == 248).all(-1)
    assert contour.any()
    assert not (contour & ~inside).any()
    # The contour is what a 5x5 erosion takes away.
    np.testing.assert_array_equal(contour, inside & ~erode(inside, reach=2))
    assert not result[~inside].any()
    # The object fills the square: its box was 59x59.
    assert inside.any(0).sum() > 500
    assert inside.any(1).sum() > 500
    share = (disc(100, 150) == CAT).sum() / 59**2
    assert inside.mean() == pytest.approx(share, abs=0.01)


def test_the_photo_is_inside_the_contour() -> None:
    pixels = np.full((100, 150, 3), (10, 120, 70), np.uint8)
    result = sticker(pixels, disc(100, 150), CAT, side=128)
    assert result.shape == (128, 128, 4)
    assert result[64, 64].tolist() == [10, 120, 70, 255]


def test_flat_objects_stay_flat_and_in_the_middle() -> None:
    class_map = np.zeros((50, 300), np.uint8)
    class_map[20:30, 40:240] = CAT
    inside = sticker(np.zeros((50, 300, 3), np.uint8), class_map, CAT)[..., 3] == 255
    rows = np.flatnonzero(inside.any(1))
    assert len(rows) == pytest.approx(26, abs=1)
    assert rows.mean() == pytest.approx(255.5, abs=1)
    assert inside.any(0).all()


def test_erosion_by_its_definition() -> None:
    inside = np.random.default_rng(0).random((20, 23)) > 0.1
    padded = np.pad(inside, 2)
    expected = [
        [padded[i : i + 5, j : j + 5].all() for j in range(23)] for i in range(20)
    ]
    np.testing.assert_array_equal(erode(inside, reach=2), expected)


def test_what_is_not_there_cannot_be_cut_out() -> None:
    with pytest.raises(ValueError, match="class 15 is not in the map"):
        sticker(np.zeros((100, 150, 3), np.uint8), disc(100, 150), 15)
    with pytest.raises(ValueError, match="one size"):
        sticker(np.zeros((9, 9, 3), np.uint8), disc(100, 150), CAT)
