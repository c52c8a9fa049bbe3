"""Photos on canvases: sampled, filtered, in views."""

import numpy as np
from PIL import Image

from fcn_core import geometry, images, views


def test_a_sample_has_pixels_of_the_photo() -> None:
    pixels = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    got = images.sample(pixels, geometry.Size(2, 4))
    assert np.array_equal(got, pixels[[1, 4]])
    assert images.sample(pixels, geometry.Size(6, 4)) is pixels
    larger = images.sample(pixels, geometry.Size(12, 4))
    assert np.array_equal(larger, pixels.repeat(2, axis=0))


def test_a_sharp_resize_is_pillows_lanczos() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (90, 70, 3), np.uint8)
    got = images.resize(pixels, geometry.Size(45, 35), sharp=True)
    expected = Image.fromarray(pixels).resize((35, 45), Image.Resampling.LANCZOS)
    assert np.array_equal(got, np.asarray(expected))


def test_the_published_view_of_a_photo_is_warped_without_a_filter() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (75, 100, 3), np.uint8)
    (view,) = views.views((75, 100), "nearest", side=224)
    got = images.view(pixels, view, (0, 0, 0))
    expected = Image.fromarray(pixels).resize((224, 224), Image.Resampling.NEAREST)
    assert np.array_equal(got, np.asarray(expected))
