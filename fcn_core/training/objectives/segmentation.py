"""Segmentation: crops of photos and labels, cross-entropy a pixel, judged by mIoU."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images, scoring
from fcn_core.evaluation import keras_engine, segmentation
from fcn_core.labels import VOC_PALETTE
from fcn_core.models.layers import BilinearUpsampling, CropLike
from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe, RecipeError
from fcn_core.records.record import SegmentationRecord
from fcn_core.records.source import Source, naming
from fcn_core.training.batches import Batch, Piece, decode_pair, training_batches
from fcn_core.training.objectives import augmentation, losses
from fcn_core.training.objectives.augmentation import augmentation_of
from fcn_core.training.objectives.objective import card_of, steps_of


class SegmentationObjective:
    """Void-aware cross-entropy on random crops; judged by mIoU at original size."""

    judge = "miou"

    def __init__(
        self,
        spec: ModelSpec,
        recipe: Recipe,
        *,
        classes: list[str],
        void: int,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        self._recipe = recipe
        self._settings = augmentation_of(recipe, spec)
        self._class_weights = class_weights
        # Losses are float32 whatever the layers compute in.
        self._upsample = BilinearUpsampling(
            spec.logits_stride // _label_stride(recipe, spec),
            spec.alignment,
            dtype="float32",
        )
        self._crop = CropLike(dtype="float32")
        self._classes = classes
        self._void = void
        self.card = card_of(spec, recipe, classes=classes)

    def batches(
        self, source: Source, *, batch_size: int, seed: int, epoch: int
    ) -> Iterator[Batch]:
        """Yields photos uint8 `[B, h, w, 3]` and labels uint8 `[B, h, w]` of a crop."""
        batches = training_batches(
            source,
            self._example,
            signature=(("uint8", (None, None, 3)), ("uint8", (None, None))),
            batch_size=batch_size,
            seed=seed,
            epoch=epoch,
        )
        if not self._recipe.paste:
            yield from batches
            return
        for number, batch in enumerate(batches):
            # Four numbers: three are an example's own generator.
            rng = np.random.default_rng((seed, epoch, number, 0))
            yield [
                augmentation.paste(*piece, share=self._recipe.paste, rng=rng)
                for piece in batch
            ]

    def _example(
        self, record: SegmentationRecord, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], ...]:
        pixels, label = decode_pair(record, classes=len(self._classes), void=self._void)
        if self._recipe.padding_that_scores:
            pixels, label = self._fitted(pixels, label)
        pixels, label = augmentation.augment(
            pixels, label, settings=self._settings, rng=rng
        )
        return pixels[None], label[None]

    def _fitted(
        self, pixels: NDArray[np.uint8], label: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Returns a photo and its label at the working size, where scoring pads it."""
        size = geometry.fit(
            label.shape,
            max_side=self._recipe.max_side,
            enlarge=self._recipe.enlarge,
        )
        return images.resize(pixels, size), augmentation.resize_label(label, size)

    def weight(self, piece: Piece) -> float:
        """Returns the number of labelled pixels, or the sum of their weights."""
        return losses.pixel_weight(
            self._looked_at(piece), void=self._void, class_weights=self._class_weights
        )

    def _looked_at(self, piece: Any) -> Any:
        """Returns the labels of the pixels that losses look at."""
        stride = self._recipe.label_stride
        return piece[-1][:, ::stride, ::stride]

    def loss(self, logits: Any, piece: Any, *, total: Any, soft: Any = None) -> Any:
        """Upsamples to pixels, as scoring does; adds cross-entropy and soft IoU."""
        labels = self._looked_at(piece)
        pixels = self._pixels_of(logits, labels)
        loss = losses.pixel_cross_entropy(
            labels,
            pixels,
            void=self._void,
            class_weights=self._class_weights,
            smoothing=self._recipe.label_smoothing,
            soft=None if soft is None else self._pixels_of(soft, labels),
            soft_share=0.0 if soft is None else self._recipe.soft_labels,
            total=total,
        )
        if not self._recipe.jaccard:
            return loss
        distance = losses.jaccard_distance(labels, pixels, void=self._void, total=total)
        return loss + self._recipe.jaccard * distance

    def _pixels_of(self, logits: Any, labels: Any) -> Any:
        return self._crop([self._upsample(logits), labels[..., None]])

    def scores(self, model: keras.Model, source: Source) -> dict[str, float]:
        """Returns `miou`, accuracies, and `iou_CLASS` of each class that occurs."""
        result = segmentation.evaluate_segmentation(
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

    def panels(
        self, model: keras.Model, source: Source, *, count: int
    ) -> dict[str, NDArray[np.uint8]]:
        """Returns photo, label and the model's mask side by side."""
        photo_scorer = scoring.PhotoScorer([keras_engine.scorer_of(model, self.card)])
        found = {}
        for record in itertools.islice(source.records(), count):
            with naming(record):
                pixels, label = decode_pair(
                    record, classes=len(self._classes), void=self._void
                )
                mask = photo_scorer.score_photo(record.encoded).mask_png
            found_ids = label if mask is None else images.decode_mask(mask)
            colours = [VOC_PALETTE[ids] for ids in (label, found_ids)]
            found[record.source_id] = np.concatenate([pixels, *colours], axis=1)
        return found

    def steps(self, source: Source, *, batch_size: int) -> int:
        """Returns the number of batches: a record gives one example."""
        return steps_of(source.count(), batch_size)


def _label_stride(recipe: Recipe, spec: ModelSpec) -> int:
    """Returns the pixels between those that losses look at.

    Raises:
        RecipeError: There are no logits to interpolate between just there.
    """
    stride = recipe.label_stride
    if stride == 1 or (spec.alignment == "corner" and spec.logits_stride % stride == 0):
        return stride
    raise RecipeError(
        f"label_stride: got {stride}, expected 1, or a divisor of the logits' stride "
        f"{spec.logits_stride} on a backbone whose features lie on pixels (alignment "
        f"corner; {spec.backbone} has {spec.alignment})"
    )


def class_weights_of(
    recipe: Recipe, source: Source, *, classes: int, void: int
) -> Sequence[float] | None:
    """Returns the weights that a recipe gives to classes, None for equal ones.

    Raises:
        RecipeError: The recipe's are of another number, or of another kind.
    """
    asked = recipe.class_weights
    if asked == "none":
        return None
    if asked == "median-frequency":
        return _median_frequency(source, classes=classes, void=void)
    if isinstance(asked, str) or len(asked) != classes:
        got = asked if isinstance(asked, str) else f"{len(asked)} numbers"
        raise RecipeError(
            f"class_weights: got {got}, expected none, median-frequency, or "
            f"{classes} numbers, one a class"
        )
    return asked


def _median_frequency(source: Source, *, classes: int, void: int) -> Sequence[float]:
    pixels = np.zeros(classes, np.int64)
    of_images = np.zeros(classes, np.int64)
    for record in source.records():
        label = images.decode_mask(record.label)
        counts = np.bincount(label[label != void], minlength=classes)[:classes]
        pixels += counts
        of_images += np.where(counts > 0, counts.sum(), 0)
    return losses.median_frequency_weights(pixels, of_images)
