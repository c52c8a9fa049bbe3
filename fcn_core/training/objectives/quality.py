"""Technical quality: photos made worse, rated by how much worse; any photos do."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fcn_core import geometry, images
from fcn_core.evaluation import degradations, keras_engine, quality
from fcn_core.models.networks.ratings import pool_cells
from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe
from fcn_core.records.record import ImageRecord
from fcn_core.records.source import Source
from fcn_core.scoring import feed
from fcn_core.training.objectives import augmentation, losses
from fcn_core.training.objectives.rated import RatedObjective


class QualityObjective(RatedObjective):
    """Earth mover's distance to the ratings that degraded copies should get."""

    judge = "srcc"

    def __init__(self, spec: ModelSpec, recipe: Recipe) -> None:
        super().__init__(spec, recipe)
        self._settings = augmentation.Augmentation(
            crop=geometry.Size(*recipe.crop),
            scale=recipe.scale,
            padding_value=recipe.padding_value,
        )

    def _examples(
        self, record: ImageRecord, rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """Returns a crop of a photo, untouched and degraded in several ways."""
        pixels = self._draw_view(record, rng)
        kinds = list(degradations.DEGRADATIONS)
        worse = [
            (kinds[rng.integers(len(kinds))], float(rng.uniform(0.05, 1.0)))
            for _ in range(self._recipe.copies)
        ]
        crop = self._settings.crop_of(pixels)
        copies = [pixels] + [
            degradations.degrade(pixels, kind, strength=strength, rng=rng)
            for kind, strength in worse
        ]
        padded = np.stack(
            [images.pad(copy, crop, self._recipe.padding_value) for copy in copies]
        )
        sizes = np.array([copy.shape[:2] for copy in copies], np.int32)
        strengths = [0.0] + [strength for _, strength in worse]
        targets = np.stack([degradations.target_ratings(s) for s in strengths])
        return padded, sizes, targets

    def _draw_view(
        self, record: ImageRecord, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Returns a random part of the photo, at the working size or below."""
        pixels = feed.working_pixels(record, max_side=self._recipe.max_side)
        # Half of them as they are: shrinking hides the grain that photos come with.
        factor = 1.0 if rng.random() < 0.5 else rng.uniform(*self._recipe.scale)
        size = geometry.Size(
            *(max(1, round(side * factor)) for side in pixels.shape[:2])
        )
        pixels = images.resize(pixels, size)
        window = augmentation.random_window(
            size, self._settings.crop_of(pixels), rng=rng
        )
        pixels = pixels[window]
        return np.ascontiguousarray(pixels[:, ::-1] if rng.random() < 0.5 else pixels)

    def loss(self, logits: Any, piece: Any, *, total: Any, soft: Any = None) -> Any:
        """Pools valid cells, as scoring does; returns the distance with power 2."""
        del soft
        _, sizes, targets = piece
        ratings = ops.softmax(pool_cells(logits, sizes, spec=self._spec))
        return losses.earth_movers_distance(targets, ratings, total=total)

    def scores(self, model: keras.Model, source: Source) -> dict[str, float]:
        """Returns the scores of `evaluation.quality.evaluate_quality`."""
        scorer = keras_engine.scorer_of(model, self.card)
        return quality.evaluate_quality(scorer, source.records(), seed=0)

    @property
    def _examples_a_record(self) -> int:
        """The untouched copy and the degraded ones."""
        return 1 + self._recipe.copies
