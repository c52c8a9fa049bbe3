"""What a task trains on, minimises and is judged by: one small class a task.

`training` runs any objective: it asks for an epoch of batches (the first component is
the photos, the last the targets), for the loss of a batch, and for a model's scores.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fcn_core import (
    augmentation,
    degradations,
    evaluation,
    geometry,
    images,
    input_pipeline,
    losses,
)
from fcn_core.input_pipeline import Source
from fcn_core.model_card import ModelCard
from fcn_core.models import ModelSpec
from fcn_core.models.aesthetics import pool_cells
from fcn_core.models.layers import BilinearUpsampling, CropLike
from fcn_core.recipes import Recipe
from fcn_core.records import SegmentationRecord


class Objective(Protocol):
    """What training needs to know about a task.

    Attributes:
        judge: The score that picks the best epoch, larger is better.
        card: How scoring feeds the model.
    """

    judge: str
    card: ModelCard

    def batches(self, source: Source, *, batch_size: int, seed: int, epoch: int) -> Any:
        """Returns one epoch as a `tf.data.Dataset` of tuples, photos first."""
        ...

    def loss(self, logits: Any, batch: tuple[Any, ...]) -> Any:
        """Returns the scalar to minimise, from the logits of the batch's photos."""
        ...

    def scores(self, model: keras.Model, source: Source) -> dict[str, float]:
        """Measures a model through the code that scores."""
        ...

    def steps(self, source: Source, *, batch_size: int) -> int:
        """Returns the number of batches an epoch has."""
        ...


class SegmentationObjective:
    """Void-aware cross-entropy on random crops; judged by mIoU at original size."""

    judge = "miou"

    def __init__(
        self, spec: ModelSpec, recipe: Recipe, *, classes: list[str], void: int
    ) -> None:
        self._settings = augmentation.Augmentation(
            crop=geometry.Size(*recipe.crop),
            scale=recipe.scale,
            padding_value=recipe.padding_value,
        )
        self._upsample = BilinearUpsampling(spec.logits_stride, spec.alignment)
        self._crop = CropLike()
        self._classes = classes
        self._void = void
        self.card = evaluation.draft_card(
            spec,
            name=spec.name,
            classes=classes,
            padding_value=recipe.padding_value,
            max_side=recipe.max_side,
        )

    def batches(self, source: Source, *, batch_size: int, seed: int, epoch: int) -> Any:
        """Photos uint8 `[B, h, w, 3]`, labels uint8 `[B, h, w]` of the crop."""
        return input_pipeline.training_batches(
            source,
            self._example,
            signature=(("uint8", (None, None, 3)), ("uint8", (None, None))),
            batch_size=batch_size,
            seed=seed,
            epoch=epoch,
        )

    def _example(
        self, record: SegmentationRecord, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], ...]:
        pixels, label = input_pipeline.decode_pair(
            record, classes=len(self._classes), void=self._void
        )
        pixels, label = augmentation.augment(
            pixels, label, settings=self._settings, rng=rng
        )
        return pixels[None], label[None]

    def loss(self, logits: Any, batch: tuple[Any, ...]) -> Any:
        """Upsamples to pixels, as scoring does, then cross-entropy."""
        labels = batch[-1]
        logits = self._crop([self._upsample(logits), labels[..., None]])
        return losses.pixel_cross_entropy(labels, logits, void=self._void)

    def scores(self, model: keras.Model, source: Source) -> dict[str, float]:
        """`miou`, accuracies, and `iou_CLASS` of each class that occurs."""
        result = evaluation.evaluate_segmentation(
            model, self.card, source.records(), void=self._void
        )
        scores = {
            "miou": result.miou,
            "pixel_accuracy": result.pixel_accuracy,
            "mean_accuracy": result.mean_accuracy,
            "frequency_weighted_iou": result.frequency_weighted_iou,
        }
        named = zip(self._classes, result.iou, strict=True)
        return scores | {f"iou_{name}": iou for name, iou in named if iou == iou}

    def steps(self, source: Source, *, batch_size: int) -> int:
        """One example a record."""
        return _steps(source.count(), batch_size)


class QualityObjective:
    """Earth mover's distance to the ratings that degraded copies should get."""

    judge = "srcc"

    def __init__(self, spec: ModelSpec, recipe: Recipe) -> None:
        self._spec = spec
        self._recipe = recipe
        self._settings = augmentation.Augmentation(
            crop=geometry.Size(*recipe.crop),
            scale=recipe.scale,
            padding_value=recipe.padding_value,
        )
        self.card = evaluation.draft_card(
            spec,
            name=spec.name,
            classes=None,
            padding_value=recipe.padding_value,
            max_side=recipe.max_side,
        )

    def batches(self, source: Source, *, batch_size: int, seed: int, epoch: int) -> Any:
        """Photos uint8 `[B, h, w, 3]`, sizes int32 `[B, 2]`, ratings `[B, 10]`."""
        bins = self._spec.classes
        return input_pipeline.training_batches(
            source,
            self._examples,
            signature=(
                ("uint8", (None, None, 3)),
                ("int32", (2,)),
                ("float32", (bins,)),
            ),
            batch_size=batch_size,
            seed=seed,
            epoch=epoch,
        )

    def _examples(
        self, record: SegmentationRecord, rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """One crop of a photo, untouched and degraded in other ways and strengths."""
        pixels = self._draw_view(record, rng)
        kinds = list(degradations.DEGRADATIONS)
        drawn = [("blur", 0.0)] + [
            (kinds[rng.integers(len(kinds))], float(rng.uniform(0.05, 1.0)))
            for _ in range(self._recipe.copies)
        ]
        crop = self._settings.crop_of(pixels)
        padded = np.empty((len(drawn), *crop, 3), np.uint8)
        sizes = np.empty((len(drawn), 2), np.int32)
        for number, (kind, strength) in enumerate(drawn):
            copy = degradations.degrade(pixels, kind, strength=strength, rng=rng)
            copy = copy[: crop.height, : crop.width]
            sizes[number] = copy.shape[:2]
            padded[number] = images.pad(
                np.ascontiguousarray(copy), crop, self._recipe.padding_value
            )
        targets = np.stack(
            [degradations.target_ratings(strength) for _, strength in drawn]
        )
        return padded, sizes, targets

    def _draw_view(
        self, record: SegmentationRecord, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """A random part of the photo at the working size or below, maybe mirrored."""
        pixels = evaluation.working_pixels(record, max_side=self._recipe.max_side)
        factor = rng.uniform(*self._recipe.scale)
        size = geometry.Size(
            *(max(1, round(side * factor)) for side in pixels.shape[:2])
        )
        pixels = images.resize(pixels, size)
        window = augmentation.random_window(
            size, self._settings.crop_of(pixels), rng=rng
        )
        pixels = pixels[window]
        return np.ascontiguousarray(pixels[:, ::-1] if rng.random() < 0.5 else pixels)

    def loss(self, logits: Any, batch: tuple[Any, ...]) -> Any:
        """Pools valid cells, as scoring does, then the distance with power 2."""
        _, sizes, targets = batch
        ratings = ops.softmax(pool_cells(logits, sizes, spec=self._spec))
        return losses.earth_movers_distance(targets, ratings)

    def scores(self, model: keras.Model, source: Source) -> dict[str, float]:
        """See `evaluation.evaluate_quality`."""
        records: Iterable[SegmentationRecord] = source.records()
        return evaluation.evaluate_quality(model, self.card, records, seed=0)

    def steps(self, source: Source, *, batch_size: int) -> int:
        """`1 + copies` examples a record."""
        return _steps(source.count() * (1 + self._recipe.copies), batch_size)


def make_objective(spec: ModelSpec, recipe: Recipe, source: Source) -> Objective:
    """Returns the objective of a recipe for a data set.

    Raises:
        ValueError: The data set has no classes, but the task needs them.
    """
    if recipe.task == "aesthetics":
        return QualityObjective(spec, recipe)
    info = source.info
    if info.classes is None or info.void is None:
        raise ValueError(
            f"{source.folder}: got a data set for {info.task} without classes, "
            "expected one for segmentation; convert it with `fcn convert voc`"
        )
    return SegmentationObjective(spec, recipe, classes=info.classes, void=info.void)


def _steps(examples: int, batch_size: int) -> int:
    return max(1, examples // batch_size)
