"""Evaluation equals doing it by hand: original size, one matrix, scoring's pixels."""

import keras
import numpy as np
import pytest

from fcn_core import images
from fcn_core.bundles.card import ModelCard
from fcn_core.evaluation import keras_engine, quality, segmentation
from fcn_core.export import draft_card
from fcn_core.labels import VOC_CLASSES
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.models.build import build
from fcn_core.models.layers import BilinearUpsampling
from fcn_core.models.spec import ModelSpec
from fcn_core.records.record import SegmentationRecord
from tests.drawn import tiny_shards

SPEC = ModelSpec(backbone="mobilenet_v2", width=0.1, head_width=8)
PADDING = (9, 8, 7)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[SegmentationRecord]:
    drawn = tiny_shards.drawn_records(tmp_path_factory.mktemp("d"), train=3, val=1)
    return drawn["train"]


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
    by_hand = total.result()
    assert measured.pixels == by_hand.pixels
    # Ties within rounding may fall either way.
    assert measured.pixel_accuracy == pytest.approx(by_hand.pixel_accuracy, abs=2e-3)
    assert measured.miou == pytest.approx(by_hand.miou, abs=2e-3)


def test_working_size_changes_nothing_about_the_label_size(
    model: keras.Model, records: list[SegmentationRecord]
) -> None:
    shrunk = segmentation.evaluate_segmentation(model, card(SPEC, max_side=24), records)
    whole = segmentation.evaluate_segmentation(
        model, card(SPEC, max_side=None), records
    )
    assert shrunk.pixels == whole.pixels


def test_quality_of_a_model_that_only_sees_brightness(
    records: list[SegmentationRecord],
) -> None:
    """A model whose rating is the photo's darkness must correlate with exposure."""
    spec = ModelSpec(
        task="aesthetics", name="rating", backbone="mobilenet_v2", classes=10, width=0.1
    )
    inputs = keras.Input((None, None, 3))
    cells = keras.layers.AveragePooling2D(16, padding="same")(inputs)
    grey = keras.layers.Conv2D(1, 1, kernel_initializer="ones", use_bias=False)(cells)
    bins = np.linspace(-0.05, 0.05, 10, dtype=np.float32).reshape(1, 1, 1, 10)
    scores = keras.layers.Conv2D(
        10, 1, use_bias=False, kernel_initializer=keras.initializers.Constant(bins)
    )(grey)
    scorer = keras_engine.scorer_of(
        keras.Model(inputs, scores), card(spec, max_side=64)
    )
    rated = quality.evaluate_quality(scorer, records, seed=0)
    assert set(rated) >= {f"srcc_{k}" for k in ("blur", "noise", "jpeg", "exposure")}
    again = quality.evaluate_quality(scorer, records[::-1], seed=0)
    assert rated == pytest.approx(again)
    assert abs(rated["srcc_exposure"]) > abs(rated["srcc_blur"])
