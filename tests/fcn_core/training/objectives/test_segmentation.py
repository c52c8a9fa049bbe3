"""The loss of crops and labels."""

import dataclasses

import numpy as np
import pytest

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes import BUILT_IN
from fcn_core.recipes.recipe import RecipeError
from fcn_core.training.objectives.segmentation import SegmentationObjective
from tests.drawn.tiny_networks import small_spec

VOID = 255


def objective(stride: int, spec: ModelSpec | None = None) -> SegmentationObjective:
    recipe = dataclasses.replace(
        BUILT_IN["voc21"], label_stride=stride, jaccard=0.3, label_smoothing=0.1
    )
    return SegmentationObjective(
        spec or small_spec(), recipe, classes=["a", "b", "c"], void=VOID
    )


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_pixels_that_are_not_looked_at_are_as_void(stride: int) -> None:
    rng = np.random.default_rng(stride)
    logits = rng.normal(size=(2, 4, 5, 3)).astype(np.float32)
    labels = rng.integers(0, 3, (2, 27, 40)).astype(np.uint8)
    labels[:, 3:9] = VOID
    left = np.full_like(labels, VOID)
    left[:, ::stride, ::stride] = labels[:, ::stride, ::stride]
    every, some = objective(1), objective(stride)
    total = every.weight((left,))
    assert some.weight((labels,)) == total == (left != VOID).sum()
    expected = float(every.loss(logits, (left,), total=total))
    assert float(some.loss(logits, (labels,), total=total)) == pytest.approx(
        expected, rel=1e-5
    )


def test_what_does_not_divide_the_logits_stride_is_one_line() -> None:
    with pytest.raises(RecipeError, match=r"label_stride: got 3, expected 1, or a div"):
        objective(3)
    between_pixels = ModelSpec(name="fcn8s", backbone="vgg16", classes=3)
    with pytest.raises(RecipeError, match="vgg16 has center"):
        objective(2, between_pixels)
