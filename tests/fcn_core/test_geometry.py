import numpy as np
import pytest

from fcn_core import geometry
from fcn_core.geometry import Placement, Size

SIZES = [(1, 1), (375, 500), (500, 375), (333, 500), (4000, 6000), (1, 200), (7, 7)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("max_side", [1, 2, 100, 499, 512])
def test_fit_shrinks_the_long_side_and_keeps_the_aspect(
    size: tuple[int, int], max_side: int
) -> None:
    fitted = geometry.fit(size, max_side=max_side)
    if max(size) <= max_side:
        assert fitted == size
        return
    assert max(fitted) == max_side
    exact = np.array(size) * max_side / max(size)
    assert np.all(np.abs(np.maximum(exact, 1) - fitted) <= 0.5)


def test_fit_without_a_limit_keeps_every_size() -> None:
    assert geometry.fit((4000, 6000), max_side=None) == Size(4000, 6000)


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((375, 500), 640, (469, 625)),
        ((375, 500), None, (469, 625)),
        ((375, 500), 560, (420, 560)),  # as far as the working size allows
        ((480, 640), 640, (480, 640)),
        ((3000, 4000), 640, (480, 640)),
        ((1, 2), 640, (1, 3)),
    ],
)
def test_fit_enlarges_a_small_photo_up_to_the_working_size(
    size: tuple[int, int], max_side: int | None, expected: tuple[int, int]
) -> None:
    assert geometry.fit(size, max_side=max_side, enlarge=1.25) == expected


def test_fit_never_loses_a_side() -> None:
    assert geometry.fit((1, 10_000), max_side=100) == Size(1, 100)


def test_fit_rounds_halves_up_on_both_axes() -> None:
    assert geometry.fit((3, 4), max_side=2) == Size(2, 2)
    assert geometry.fit((4, 3), max_side=2) == Size(2, 2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("multiple", [1, 16, 128])
def test_round_up_gives_the_smallest_multiple(
    size: tuple[int, int], multiple: int
) -> None:
    rounded = geometry.round_up(size, multiple)
    for side, original in zip(rounded, size, strict=True):
        assert side % multiple == 0
        assert original <= side < original + multiple


def test_round_up_keeps_the_minimum() -> None:
    assert geometry.round_up((5, 300), 16, minimum=100) == Size(112, 304)


def test_place_fits_then_pads() -> None:
    placement = geometry.place((3000, 4000), max_side=500, multiple=128, minimum=32)
    assert placement == Placement(Size(3000, 4000), Size(375, 500), Size(384, 512))


def test_place_returns_sizes_with_names() -> None:
    placement = geometry.place((10, 20), max_side=None, multiple=16)
    assert placement.original.width == 20
    assert placement.fitted.height == 10
    assert placement.padded == Size(height=16, width=32)


def test_to_fitted_is_the_identity_for_equal_sizes() -> None:
    positions = np.array([0.0, 0.1, 7.0])
    mapped = geometry.to_fitted(positions, original=9, fitted=9)
    np.testing.assert_array_equal(mapped, positions)
    assert mapped is not positions


def test_to_fitted_maps_the_borders_of_the_photo_onto_each_other() -> None:
    mapped = geometry.to_fitted([-0.5, 999.5, 499.5], original=1000, fitted=250)
    np.testing.assert_allclose(mapped, [-0.5, 249.5, 124.5])


def test_to_fitted_undoes_a_resize() -> None:
    # A slope, averaged in groups of four, is a slope again at the mapped positions.
    slope = np.arange(40.0)
    shrunk = slope.reshape(10, 4).mean(axis=1)
    inside = np.arange(4, 36)
    places = geometry.to_fitted(inside, original=40, fitted=10)
    np.testing.assert_allclose(np.interp(places, np.arange(10), shrunk), inside)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 pixel"):
        geometry.fit(size, max_side=10)
    with pytest.raises(ValueError, match="at least 1 pixel"):
        geometry.round_up(size, 16)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="max_side is 0"):
        geometry.fit((5, 5), max_side=0)
    with pytest.raises(ValueError, match=r"enlarge is 0\.9"):
        geometry.fit((5, 5), max_side=None, enlarge=0.9)
    with pytest.raises(ValueError, match="multiple is 0"):
        geometry.place((5, 5), max_side=None, multiple=0)
    with pytest.raises(ValueError, match="minimum is 0"):
        geometry.place((5, 5), max_side=None, multiple=1, minimum=0)
    with pytest.raises(ValueError, match="fitted is 0"):
        geometry.to_fitted([1], original=1, fitted=0)


@pytest.mark.parametrize(
    ("size", "multiple", "expected"),
    [
        ((224, 224), 32, (224, 224)),
        ((375, 500), 32, (192, 256)),
        ((500, 375), 32, (256, 192)),
        ((3000, 4000), 32, (192, 256)),
        ((375, 500), 1, (194, 259)),
        ((10, 1), 32, (704, 64)),
        ((1, 100_000), 32, (32, 70848)),
    ],
)
def test_an_area_keeps_the_aspect(
    size: tuple[int, int], multiple: int, expected: tuple[int, int]
) -> None:
    assert geometry.with_area(size, 224 * 224, multiple=multiple) == expected
