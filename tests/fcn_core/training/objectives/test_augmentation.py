"""Photo and label change together; what is padded is void."""

import numpy as np
import pytest

from fcn_core import images
from fcn_core.geometry import Size
from fcn_core.training.objectives import augmentation
from fcn_core.training.objectives.augmentation import Augmentation

CELL = 16


def checker(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo whose grey value is ten times the class of its square, 1..20."""
    classes = (np.arange(rows * columns).reshape(rows, columns) % 20 + 1).astype(
        np.uint8
    )
    label = classes.repeat(CELL, 0).repeat(CELL, 1)
    return np.repeat((label * 10)[..., None], 3, axis=2), label


@pytest.mark.parametrize("seed", range(8))
def test_photo_and_label_stay_on_each_other(seed: int) -> None:
    pixels, label = checker(5, 7)
    settings = Augmentation(crop=Size(60, 90), padding_value=(0, 0, 0))
    photo, classes = augmentation.augment(
        pixels, label, settings=settings, rng=np.random.default_rng(seed)
    )
    assert photo.shape == (60, 90, 3)
    assert classes.shape == (60, 90)
    assert set(np.unique(classes)) <= {*range(1, 21), 255}
    assert (photo[classes == 255] == 0).all()
    # Only pixels blended over a square's edge may differ from their class' grey.
    shown = classes != 255
    right = np.abs(photo[shown][:, 0].astype(int) - classes[shown] * 10) <= 2
    assert right.mean() > 0.6


@pytest.mark.parametrize("size", [Size(97, 61), Size(40, 30), Size(50, 64)])
def test_a_window_of_the_resized_photo_needs_no_other_pixels(size: Size) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50, 64, 3), np.uint8)
    label = rng.integers(0, 21, (50, 64), np.uint8)
    window = (slice(7, 29), slice(3, 90))
    photo = images.resize(pixels, size, window)
    whole = images.resize(pixels, size)[window]
    assert photo.shape == whole.shape
    assert np.abs(photo.astype(int) - whole).max() <= 1
    assert (photo == whole).mean() > 0.99
    part = augmentation.resize_label(label, size, window)
    assert np.array_equal(part, augmentation.resize_label(label, size)[window])


def test_same_generator_same_example() -> None:
    pixels, label = checker(4, 4)
    settings = Augmentation(crop=Size(32, 32))
    one, two, other = (
        augmentation.augment(
            pixels, label, settings=settings, rng=np.random.default_rng(seed)
        )
        for seed in (5, 5, 6)
    )
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])
    assert not np.array_equal(one[0], other[0])


def test_flips_half_of_them_and_nothing_else_when_nothing_else_is_asked_for() -> None:
    pixels, label = checker(2, 3)
    settings = Augmentation(crop=Size(*label.shape), scale=(1.0, 1.0))
    flips = 0
    for seed in range(40):
        photo, classes = augmentation.augment(
            pixels, label, settings=settings, rng=np.random.default_rng(seed)
        )
        flipped = np.array_equal(classes, label[:, ::-1])
        assert flipped or np.array_equal(classes, label)
        assert np.array_equal(photo[..., 0], classes * 10)
        flips += flipped
    assert 10 < flips < 30


def test_high_photos_get_the_crop_turned() -> None:
    settings = Augmentation(crop=Size(24, 32))
    for rows, columns, crop in ((3, 4, (24, 32)), (4, 3, (32, 24)), (3, 3, (24, 32))):
        pixels, label = checker(rows, columns)
        photo, classes = augmentation.augment(
            pixels, label, settings=settings, rng=np.random.default_rng(0)
        )
        assert photo.shape[:2] == classes.shape == crop


def test_resized_labels_invent_no_class() -> None:
    label = np.array([[3, 7], [7, 3]], np.uint8)
    big = augmentation.resize_label(label, Size(5, 6))
    assert set(np.unique(big)) == {3, 7}
    assert np.array_equal(augmentation.resize_label(label, Size(2, 2)), label)
    assert np.array_equal(augmentation.resize_label(big, Size(1, 1)), [[3]])


def test_different_sizes_are_refused() -> None:
    pixels, label = checker(2, 2)
    with pytest.raises(ValueError, match="label is"):
        augmentation.augment(
            pixels,
            label[:-1],
            settings=Augmentation(crop=Size(8, 8)),
            rng=np.random.default_rng(0),
        )


def test_paste_lays_objects_of_the_example_before_over_an_example() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 20, 30, 3), np.uint8)
    labels = np.zeros((3, 20, 30), np.uint8)
    labels[0, 2:9, 3:12] = 1
    labels[0, 9, 3:12] = 255
    labels[0, 12:18, 3:12] = 2
    labels[1, 5:15, 5:25] = 3
    seen = set()
    for seed in range(8):
        drawn = np.random.default_rng(seed)
        photos, classes = augmentation.paste(pixels, labels, share=1.0, rng=drawn)
        laid = classes[1] != labels[1]
        assert not (classes[1][laid] == 255).any()
        np.testing.assert_array_equal(photos[1][laid], pixels[0][laid])
        np.testing.assert_array_equal(photos[1][~laid], pixels[1][~laid])
        for label in (1, 2):  # whole or not at all
            there = labels[0] == label
            assert (classes[1][there] == label).all() or not (classes[1] == label).any()
        seen.add(tuple(np.unique(classes[1])))
        # The third is background alone: what it gives is nothing.
        np.testing.assert_array_equal(classes[0], labels[0])
    assert seen == {(0, 1, 3), (0, 2, 3), (0, 1, 2, 3)}
    kept, same = augmentation.paste(pixels, labels, share=0.0, rng=rng)
    np.testing.assert_array_equal(kept, pixels)
    np.testing.assert_array_equal(same, labels)
    one, alone = augmentation.paste(pixels[:1], labels[:1], share=1.0, rng=rng)
    np.testing.assert_array_equal(one, pixels[:1])
    np.testing.assert_array_equal(alone, labels[:1])
