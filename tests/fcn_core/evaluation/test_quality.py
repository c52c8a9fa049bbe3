"""Ratings of degraded copies are correlated with their strength."""

import keras
import numpy as np
import pytest

from fcn_core.evaluation import keras_engine, quality
from fcn_core.export import draft_card
from fcn_core.models.spec import ModelSpec
from fcn_core.records.record import SegmentationRecord


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
    card = draft_card.draft_card(
        spec, name="tiny", classes=None, padding_value=(9, 8, 7), max_side=64
    )
    scorer = keras_engine.scorer_of(keras.Model(inputs, scores), card)
    rated = quality.evaluate_quality(scorer, records, seed=0)
    assert set(rated) >= {f"srcc_{k}" for k in ("blur", "noise", "jpeg", "exposure")}
    again = quality.evaluate_quality(scorer, records[::-1], seed=0)
    assert rated == pytest.approx(again)
    assert abs(rated["srcc_exposure"]) > abs(rated["srcc_blur"])
