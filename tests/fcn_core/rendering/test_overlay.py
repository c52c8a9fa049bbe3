import numpy as np
import pytest

from fcn_core import rendering
from fcn_core.labels import VOC_CLASSES, VOC_PALETTE, VOID

CLASS_MAP = np.array([[0, 0, 0], [15, 15, VOID], [15, 8, 8]], np.uint8)
PHOTO = np.arange(27, dtype=np.uint8).reshape(3, 3, 3) * 9


def test_palette_mask_shows_each_class_in_its_colour() -> None:
    colours = rendering.palette_mask(CLASS_MAP)
    assert colours.shape == (3, 3, 3)
    assert colours.dtype == np.uint8
    assert colours[1, 0].tolist() == [192, 128, 128]  # person
    assert colours[0, 0].tolist() == [0, 0, 0]


def test_the_palette_is_vocs() -> None:
    """A channel takes every third bit of the class, its highest bit first."""
    for class_id in [*range(21), VOID]:
        bits = [class_id >> shift & 1 for shift in range(8)]
        expected = [
            sum(
                bits[channel + 3 * step] << 7 - step
                for step in range((10 - channel) // 3)
            )
            for channel in range(3)
        ]
        assert VOC_PALETTE[class_id].tolist() == expected
    assert VOC_PALETTE[VOID].tolist() == [224, 224, 192]


def test_overlay_mixes_objects_only() -> None:
    before = PHOTO.copy()
    tinted = rendering.overlay(PHOTO, CLASS_MAP, alpha=0.25)
    untouched = (CLASS_MAP == 0) | (CLASS_MAP == VOID)
    np.testing.assert_array_equal(tinted[untouched], PHOTO[untouched])
    expected = np.rint(PHOTO[1, 0] * 0.75 + VOC_PALETTE[15] * 0.25)
    np.testing.assert_array_equal(tinted[1, 0], expected)
    np.testing.assert_array_equal(PHOTO, before)


def test_overlay_ends_are_the_photo_and_the_palette() -> None:
    np.testing.assert_array_equal(rendering.overlay(PHOTO, CLASS_MAP, alpha=0), PHOTO)
    full = rendering.overlay(PHOTO, CLASS_MAP, alpha=1)
    np.testing.assert_array_equal(full[2, 1], VOC_PALETTE[8])


def test_overlay_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="expected one size"):
        rendering.overlay(PHOTO, CLASS_MAP[:2])
    with pytest.raises(ValueError, match="alpha is 2"):
        rendering.overlay(PHOTO, CLASS_MAP, alpha=2)


def test_legend_lists_the_largest_class_first() -> None:
    entries = rendering.legend(CLASS_MAP, VOC_CLASSES)
    assert [entry.name for entry in entries] == ["background", "person", "cat"]
    assert [entry.class_id for entry in entries] == [0, 15, 8]
    assert entries[1].rgb == (192, 128, 128)
    assert [entry.share for entry in entries] == pytest.approx([3 / 9, 3 / 9, 2 / 9])


def test_legend_of_void_only_is_empty() -> None:
    assert rendering.legend(np.full((2, 2), VOID, np.uint8), VOC_CLASSES) == []


def test_legend_refuses_a_class_without_a_name() -> None:
    with pytest.raises(ValueError, match="holds id 15, expected ids below 2"):
        rendering.legend(CLASS_MAP, ("background", "object"))


def test_heat_maps_get_brighter_with_the_share() -> None:
    shares = np.linspace(0, 1, 101, dtype=np.float32)[None]
    colours = rendering.heat_map(shares)[0].astype(int)
    assert (np.diff(colours, axis=0) >= 0).all()
    assert (np.diff(colours.sum(1)) > 0).all()
    assert colours[0].tolist() == [0, 0, 0]
    assert colours[-1].tolist() == [255, 255, 255]
    photo = np.full((1, 101, 3), 100, np.uint8)
    mixed = rendering.heat_map(shares, pixels=photo)
    np.testing.assert_array_equal(mixed[0], (colours + 100) // 2)
    with pytest.raises(ValueError, match="softmax"):
        rendering.heat_map(shares * 2)
    with pytest.raises(ValueError, match="one size"):
        rendering.heat_map(shares, pixels=photo[:, 1:])


def test_class_list_names_what_is_there() -> None:
    names = rendering.class_list(CLASS_MAP, VOC_CLASSES)
    assert names[0] == "background"
    assert set(names) == {"background", "person", "cat"}
    assert rendering.class_list(CLASS_MAP, VOC_CLASSES, least_share=0.3) == [
        "background",
        "person",
    ]
