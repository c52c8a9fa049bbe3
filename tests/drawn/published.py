"""Small networks of published kinds, and a few steps of one, for their tests."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fcn_core.bundles.card import ModelCard
from fcn_core.export import draft_card
from fcn_core.models.spec import ModelSpec
from fcn_core.training.objectives.losses import pixel_cross_entropy
from tests.drawn.tiny_networks import draw_floats

SIZES = ((500, 375), (333, 500), (33, 47))


CLASSIFIER: dict[str, Any] = {"task": "aesthetics", "name": "classifier"}
NARROW: dict[str, Any] = {"width": 0.05, "head_width": 6}
TINY: dict[str, Any] = NARROW | {"classes": 3}


def tiny(name: str = "fcn8s", backbone: str = "vgg16", **options: Any) -> ModelSpec:
    return ModelSpec(name=name, backbone=backbone, **(TINY | options))


def card_of(spec: ModelSpec) -> ModelCard:
    """Drafts the card of a network that rates."""
    return draft_card.draft_card(
        spec, name="rated", classes=None, padding_value=(124, 117, 104), max_side=None
    )


def descend(model: keras.Model, steps: int, *, rate: float = 1e-2) -> list[float]:
    """Losses of a few steps on one drawn pair."""
    photo = draw_floats(64, 64)
    labels = (photo[..., 0] > 127).astype(np.uint8)
    optimizer = keras.optimizers.Adam(rate)

    def loss(y_true: Any, logits: Any) -> Any:
        return pixel_cross_entropy(ops.squeeze(y_true, -1), logits)

    model.compile(optimizer=optimizer, loss=loss, run_eagerly=True)
    return [float(model.train_on_batch(photo, labels[..., None])) for _ in range(steps)]
