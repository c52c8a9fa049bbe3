"""Means of pixels and of their squares over cells, against pooling and arithmetic."""

import keras
import numpy as np
import pytest

from fcn_core.models.cell_moments import CellMoments


@pytest.mark.parametrize("size", [(32, 48), (33, 47), (5, 20), (16, 1)])
def test_they_equal_averages_pooled_with_padding_same(size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).random((2, *size, 3), np.float32)
    pool = keras.layers.AveragePooling2D(16, padding="same")
    expected = np.concatenate([pool(values), pool(values * values)], axis=-1)
    found = np.asarray(CellMoments(16)(values))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-6


def test_a_cell_has_the_mean_of_its_own_pixels_and_of_their_squares() -> None:
    values = np.zeros((1, 2, 4, 1), np.float32)
    values[0, :, :, 0] = [[1, 2, 5, 5], [3, 4, 5, 7]]
    cells = np.asarray(CellMoments(2)(values))[0, 0]
    assert cells.tolist() == [[2.5, 7.5], [5.5, 31.0]]


def test_sizes_may_be_unknown_until_a_photo_arrives() -> None:
    images = keras.Input((None, None, 3))
    model = keras.Model(images, CellMoments(4)(images))
    assert model.output_shape == (None, None, None, 6)
    photo = np.ones((1, 9, 4, 3), np.float32)
    assert np.asarray(model.predict(photo, verbose=0)).tolist() == [
        [[[1.0] * 6]] * 3,
    ]
    copy = CellMoments.from_config(CellMoments(4).get_config())
    assert copy.side == 4
