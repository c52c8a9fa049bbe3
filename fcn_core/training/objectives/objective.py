"""All that training needs to know about a task."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.bundles.card import ModelCard
from fcn_core.export import draft_card
from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe
from fcn_core.records.source import Source
from fcn_core.training.batches import Batch, Piece


class Objective(Protocol):
    """What a task trains on, minimises and is judged by.

    Attributes:
        judge: The score that picks the best epoch, larger is better.
        card: How scoring feeds the model.
    """

    judge: str
    card: ModelCard

    def batches(
        self, source: Source, *, batch_size: int, seed: int, epoch: int
    ) -> Iterator[Batch]:
        """Yields an epoch; the first component of a piece is its photos."""
        ...

    def weight(self, piece: Piece) -> float:
        """Returns what a piece adds to the total that losses are divided by."""
        ...

    def loss(self, logits: Any, piece: Any, *, total: Any, soft: Any = None) -> Any:
        """Returns the scalar to minimise.

        Args:
            logits: Of the piece's photos.
            piece: Its components as tensors.
            total: The weight of the whole batch.
            soft: Logits of the model that gives soft labels, if any.
        """
        ...

    def scores(self, model: keras.Model, source: Source) -> dict[str, float]:
        """Measures a model through the code that scores."""
        ...

    def panels(
        self, model: keras.Model, source: Source, *, count: int
    ) -> dict[str, NDArray[np.uint8]]:
        """Returns pictures uint8 `[h, w, 3]` of the first photos, by their ids."""
        ...

    def steps(self, source: Source, *, batch_size: int) -> int:
        """Returns the number of batches an epoch has."""
        ...


def card_of(
    spec: ModelSpec, recipe: Recipe, *, classes: Sequence[str] | None = None
) -> ModelCard:
    """Returns the drafted card of a recipe's network: scoring feeds it as training."""
    return draft_card.draft_card(
        spec,
        name=spec.name,
        classes=classes,
        padding_value=recipe.padding_value,
        max_side=recipe.max_side,
        enlarge=recipe.enlarge,
        nearest_pixels=recipe.nearest_pixels,
    )


def steps_of(examples: int, batch_size: int) -> int:
    """Returns how many batches some examples make, at least 1."""
    return max(1, examples // batch_size)
