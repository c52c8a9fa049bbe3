"""What objectives of ratings share: photos with sizes and targets, and no pictures."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe
from fcn_core.records.source import Source
from fcn_core.training.batches import Batch, Piece, training_batches
from fcn_core.training.objectives.objective import card_of, steps_of


class RatedObjective(ABC):
    """Learns ratings of photos; what they are is up to its kinds."""

    def __init__(self, spec: ModelSpec, recipe: Recipe) -> None:
        self._spec = spec
        self._recipe = recipe
        self.card = card_of(spec, recipe)

    @abstractmethod
    def _examples(
        self, record: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """Returns photos, their valid heights and widths, and their targets."""

    @property
    @abstractmethod
    def _examples_a_record(self) -> int:
        """The least number of examples that a record gives."""

    def batches(
        self, source: Source, *, batch_size: int, seed: int, epoch: int
    ) -> Iterator[Batch]:
        """Yields an epoch of batches, see `batches.training_batches`.

        Yields:
            Photos uint8 `[B, h, w, 3]`, sizes int32 `[B, 2]`, targets float32
            `[B, classes]`.
        """
        return training_batches(
            source,
            self._examples,
            signature=(
                ("uint8", (None, None, 3)),
                ("int32", (2,)),
                ("float32", (self._spec.classes,)),
            ),
            batch_size=batch_size,
            seed=seed,
            epoch=epoch,
        )

    def weight(self, piece: Piece) -> float:
        """Returns its number of photos."""
        return float(len(piece[0]))

    def panels(
        self, model: keras.Model, source: Source, *, count: int
    ) -> dict[str, NDArray[np.uint8]]:
        """Returns nothing: ratings are not seen in pictures."""
        del model, source, count
        return {}

    def steps(self, source: Source, *, batch_size: int) -> int:
        """Returns the least number of batches that an epoch has."""
        return steps_of(source.count() * self._examples_a_record, batch_size)
