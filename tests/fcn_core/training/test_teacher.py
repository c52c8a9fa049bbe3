"""The teacher's looks lie on each other, and their mean is the mean."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from fcn_core.models.spec import ModelSpec
from fcn_core.training.teacher import Teacher, read_between

CORNER = ModelSpec(backbone="mobilenet_v2", classes=3)
CENTER = ModelSpec(backbone="vgg16", classes=3)


class Ramp(keras.Model):
    """Logits that name the place they were read at, whatever the photo's size.

    The photo's first two colours hold row and column; a logit at stride 8 is what the
    photo holds where the logit sits, as an exact network would compute it.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.first = (spec.logits_stride - 1) / 2 if spec.alignment == "center" else 0
        self.seen: list[tuple[int, ...]] = []

    def call(self, images: Any, training: bool = False) -> Any:
        assert not training
        self.seen.append(tuple(images.shape[1:3]))
        for axis in (1, 2):
            cells = np.arange(images.shape[axis] // 8, dtype=np.float32)
            images = read_between(images, cells * 8 + self.first, axis=axis)
        return images / 40


def places(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([rows, columns, np.zeros_like(rows)], axis=-1)[None]


@pytest.mark.parametrize("spec", [CORNER, CENTER], ids=["corner", "center"])
@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5, 0.5])
def test_every_look_lies_on_the_photo(spec: ModelSpec, scale: float) -> None:
    photos = places(64, 96)
    plain = ops.softmax(Ramp(spec)(photos))
    for mirrored in (False, True):
        model = Ramp(spec)
        teacher = Teacher(model, spec, scales=(scale,), mirrored=mirrored)
        found = ops.softmax(teacher(photos))
        # Beyond the outermost logits nothing can be read: they repeat.
        inside = np.s_[:, 2:-2, 2:-2]
        np.testing.assert_allclose(found[inside], plain[inside], atol=0.003)
        looks = 2 if mirrored else 1
        assert model.seen == [(round(64 * scale), round(96 * scale))] * looks


class Flat(keras.Model):
    """Probabilities that depend on the photo's size and on what is at its left."""

    def call(self, images: Any, training: bool = False) -> Any:
        del training
        batch, height, width, _ = images.shape
        large, right = float(height > 32), float(ops.mean(images[:, :, 0]) < 100)
        logits = np.log([[1 + large, 1 + right, 1.0]])
        return ops.broadcast_to(
            ops.cast(logits, "float32"), (batch, height // 8, width // 8, 3)
        )


def test_looks_weigh_the_same() -> None:
    photos = np.zeros((2, 32, 32, 3), np.float32)
    photos[:, :, :16] = 255.0
    teacher = Teacher(Flat(), CORNER, scales=(1.0, 2.0), mirrored=True)
    expected = np.mean(
        [[1, 1, 1], [1, 2, 1], [2, 1, 1], [2, 2, 1]] / np.array([[3], [4], [4], [5]]),
        axis=0,
    )
    shares = ops.exp(teacher(photos))
    assert shares.shape == (2, 4, 4, 3)
    np.testing.assert_allclose(shares[1, 2, 3], expected, atol=1e-6)


def test_one_look_is_the_model_s_own_logits() -> None:
    photos = places(32, 32)
    model = Ramp(CORNER)
    np.testing.assert_array_equal(Teacher(model, CORNER)(photos), model(photos))
    assert not model.trainable
