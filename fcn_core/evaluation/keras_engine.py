"""A Keras model as an engine, so that it is measured by the code that scores.

Decoding, fitting, padding, upsampling and the original size cannot differ then from
what a night of scoring does.
"""

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.bundles.card import ModelCard
from fcn_core.scoring.arithmetic import resolve_arithmetic
from fcn_core.scoring.scorers import LogitsScorer


class KerasEngine:
    """Runs a Keras model where scoring expects an engine."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def logits(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns float32 logits `[B, h, w, C]` of uint8 RGB `[B, H, W, 3]`."""
        logits = self._model.predict_on_batch(batch.astype(np.float32))
        return np.asarray(logits, np.float32)  # a model in training may give half

    def both_logits(
        self, batch: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns the logits of classes and of ratings of a model with both outputs."""
        outputs = self._model.predict_on_batch(batch.astype(np.float32))
        return np.asarray(outputs["logits"]), np.asarray(outputs["rating_logits"])


def scorer_of(model: keras.Model, card: ModelCard) -> LogitsScorer:
    """Returns a scorer that runs a Keras model as its card says."""
    arithmetic = resolve_arithmetic("tensorflow", "f32")
    return LogitsScorer(card, KerasEngine(model), arithmetic)
