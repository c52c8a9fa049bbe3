"""Evaluation equals a plain loop: original size, one matrix, scoring's pixels."""

import keras
import numpy as np
import pytest

from fcn_core import images
from fcn_core.bundles.card import ModelCard
from fcn_core.evaluation import segmentation
from fcn_core.export import draft_card
from fcn_core.labels import VOC_CLASSES
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.models.build import build
from fcn_core.models.layers import BilinearUpsampling
from fcn_core.models.spec import ModelSpec
from fcn_core.records.record import SegmentationRecord

SPEC = ModelSpec(backbone="mobilenet_v2", width=0.1, head_width=8)


PADDING = (9, 8, 7)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = build(SPEC)
    rng = np.random.default_rng(0)
    for variable in model.get_layer("skip_stride8").weights:
        variable.assign(rng.normal(size=variable.shape))
    return model


def card(spec: ModelSpec, *, max_side: int | None) -> ModelCard:
    return draft_card.draft_card(
        spec, name="tiny", classes=VOC_CLASSES, padding_value=PADDING, max_side=max_side
    )


def test_scores_equal_a_plain_loop(
    model: keras.Model, records: list[SegmentationRecord]
) -> None:
    total = ConfusionMatrix.zero(21)
    for record in records:
        pixels = images.decode(record.encoded).pixels
        height, width = pixels.shape[:2]
        canvas = np.empty((1, 128, 128, 3), np.float32)
        canvas[:] = PADDING
        canvas[0, :height, :width] = pixels
        logits = BilinearUpsampling(8, "corner")(model(canvas))
        guess = np.asarray(logits)[0, :height, :width].argmax(-1)
        label = images.decode_mask(record.label)
        total += ConfusionMatrix.of(label, guess, classes=21)
    measured = segmentation.evaluate_segmentation(
        model, card(SPEC, max_side=None), records
    )
    expected = total.result()
    assert measured.pixels == expected.pixels
    # Ties within rounding may fall either way.
    assert measured.pixel_accuracy == pytest.approx(expected.pixel_accuracy, abs=2e-3)
    assert measured.miou == pytest.approx(expected.miou, abs=2e-3)


def test_working_size_changes_nothing_about_the_label_size(
    model: keras.Model, records: list[SegmentationRecord]
) -> None:
    shrunk = segmentation.evaluate_segmentation(model, card(SPEC, max_side=24), records)
    whole = segmentation.evaluate_segmentation(
        model, card(SPEC, max_side=None), records
    )
    assert shrunk.pixels == whole.pixels
