"""Layers that Keras does not have, against their definitions."""

import numpy as np
import pytest

from fcn_core.models.layers import BilinearUpsampling, Preprocess


def impulse_columns(alignment: str, factor: int) -> np.ndarray:
    z = np.zeros((1, 1, 5, 1), np.float32)
    z[0, 0, 2] = 1
    return np.asarray(BilinearUpsampling(factor, alignment)(z))[0, 0, :, 0]


@pytest.mark.parametrize("factor", [2, 3, 8])
@pytest.mark.parametrize("alignment", ["corner", "center"])
def test_upsampling_equals_its_definition(alignment: str, factor: int) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, 4, 5, 3)).astype(np.float32)
    shift = 0 if alignment == "corner" else (factor - 1) / 2
    grids = []
    for cells in (4, 5):
        position = np.clip((np.arange(cells * factor) - shift) / factor, 0, cells - 1)
        grids.append(np.maximum(0, 1 - np.abs(position[:, None] - np.arange(cells))))
    expected = np.einsum("yi,xj,bijc->byxc", *grids, z)
    upsampled = BilinearUpsampling(factor, alignment)(z)
    assert np.abs(np.asarray(upsampled) - expected).max() < 1e-6


def test_corner_upsampling_puts_a_logit_on_its_pixel_and_center_between() -> None:
    assert impulse_columns("corner", 4).argmax() == 8
    assert impulse_columns("corner", 4)[8] == 1.0
    center = impulse_columns("center", 4)
    assert np.flatnonzero(center == center.max()).tolist() == [9, 10]


def test_preprocessing_equals_its_definition() -> None:
    image = np.array([[[[0, 127.5, 255]]]], np.float32)
    assert np.asarray(Preprocess("tf")(image)).ravel().tolist() == [-1, 0, 1]
    caffe = np.asarray(Preprocess("caffe")(image)).ravel()
    assert caffe == pytest.approx([255 - 103.939, 127.5 - 116.779, -123.68], abs=1e-4)
    with pytest.raises(ValueError, match="expected one of tf, caffe"):
        Preprocess("pytorch")
