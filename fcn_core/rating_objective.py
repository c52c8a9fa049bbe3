"""Ratings as people gave them: votes, high or low, or a mark, from whole photos."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

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
    metrics,
    scorers,
)
from fcn_core.input_pipeline import Batch, Piece, Source
from fcn_core.labels import RATING_BINS, VOID
from fcn_core.models import ModelSpec
from fcn_core.models.aesthetics import pool_cells
from fcn_core.models.spec import BASELINE
from fcn_core.objective import steps_of
from fcn_core.recipes import Recipe
from fcn_core.records import AestheticsRecord
from fcn_core.segmentation_objective import augmentation_of

_HIGH: Final = 5.0
"""Means above it are high: AVA's threshold."""


class RatingObjective:
    """Learns what voters said of a photo; how depends on the network's classes.

    Two classes: cross-entropy of the label low or high. Ten: earth mover's distance
    (r = 2) to the distribution of votes. One: squared error of the mean.
    """

    def __init__(self, spec: ModelSpec, recipe: Recipe) -> None:
        self._spec = spec
        self._recipe = recipe
        self._settings = augmentation_of(recipe, spec)
        self.judge = "accuracy" if spec.classes == 2 else "srcc"
        self.card = evaluation.draft_card(
            spec,
            name=spec.name,
            classes=None,
            padding_value=recipe.padding_value,
            max_side=recipe.max_side,
        )

    def batches(
        self, source: Source, *, batch_size: int, seed: int, epoch: int
    ) -> Iterator[Batch]:
        """Photos uint8 `[B, h, w, 3]`, sizes int32 `[B, 2]`, targets `[B, classes]`."""
        return input_pipeline.training_batches(
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

    def _examples(
        self, record: AestheticsRecord, rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        if self._recipe.views:
            photos = self._shown(record)
            if self._recipe.flip and rng.random() < 0.5:
                photos = photos[:, :, ::-1]
            sizes = np.full((len(photos), 2), photos.shape[1:3], np.int32)
        else:
            photos, sizes = self._crop(record, rng)
        target = rating_target(record, classes=self._spec.classes)
        return photos, sizes, np.stack([target] * len(photos))

    def _shown(self, record: AestheticsRecord) -> NDArray[np.uint8]:
        """The photo as the recipe's views show it, uint8 `[views, H, W, 3]`."""
        pixels = images.decode(record.encoded).pixels
        mode = cast(geometry.ViewMode, self._recipe.views)
        views = geometry.views(pixels.shape[:2], mode, side=self._recipe.crop[0])
        fill = self._recipe.padding_value
        return np.stack([images.view(pixels, one, fill) for one in views])

    def _crop(
        self, record: AestheticsRecord, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """One random crop at the working size, and its valid height and width."""
        pixels = evaluation.working_pixels(record, max_side=self._recipe.max_side)
        everywhere = np.zeros(pixels.shape[:2], np.uint8)
        photo, valid = augmentation.augment(
            pixels, everywhere, settings=self._settings, rng=rng
        )
        inside = valid != VOID
        size = [inside.any(axis=1).sum(), inside.any(axis=0).sum()]
        return photo[None], np.array([size], np.int32)

    def weight(self, piece: Piece) -> float:
        """Its number of photos."""
        return float(len(piece[0]))

    def loss(self, logits: Any, piece: Any, *, total: Any, soft: Any = None) -> Any:
        """What the network's number of classes asks for, over the pooled cells."""
        del soft
        _, sizes, targets = piece
        pooled = self._pooled(logits, sizes)
        if self._spec.classes == 1:
            marks = _marks(ops.softmax(pooled), self._spec)
            return ops.sum((marks - targets[:, 0]) ** 2) / total
        if self._spec.classes == 2:
            smoothing = self._recipe.label_smoothing
            targets = (1 - smoothing) * targets + smoothing / 2
            return -ops.sum(targets * ops.log_softmax(pooled)) / total
        return losses.earth_movers_distance(targets, ops.softmax(pooled), total=total)

    def _pooled(self, logits: Any, sizes: Any) -> Any:
        if self._spec.name == BASELINE:  # it has no cells
            return logits
        return pool_cells(logits, sizes, spec=self._spec)

    def scores(self, model: keras.Model, source: Source) -> dict[str, float]:
        """What `rating_scores` tells of the photos of a source."""
        scorer = evaluation.scorer_of(model, self.card)
        rated, votes = [], []
        for record in source.records():
            if self._recipe.views:
                photos = self._shown(record)
                rated.append(self._rate(model, photos).mean(axis=0))
            else:
                rated.append(_rate_whole(scorer, record))
            votes.append(record)
        return rating_scores(np.stack(rated), votes, bins=self._spec.rating_bins)

    def _rate(
        self, model: keras.Model, photos: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Ratings of views as they were trained: nothing is padded."""
        logits = model.predict_on_batch(photos.astype(np.float32))
        sizes = np.full((len(photos), 2), photos.shape[1:3], np.int32)
        pooled = self._pooled(np.asarray(logits, np.float32), sizes)
        return np.asarray(ops.softmax(pooled))

    def panels(
        self, model: keras.Model, source: Source, *, count: int
    ) -> dict[str, NDArray[np.uint8]]:
        """Ratings are not seen in pictures."""
        del model, source, count
        return {}

    def steps(self, source: Source, *, batch_size: int) -> int:
        """One example a view."""
        return steps_of(source.count() * self._views, batch_size)

    @property
    def _views(self) -> int:
        """Least number of views of a photo; long ones have more (`geometry.views`)."""
        return 3 if self._recipe.views == "multi_crop" else 1


def rating_target(record: AestheticsRecord, *, classes: int) -> NDArray[np.float32]:
    """Returns float32 `[classes]`: what a network of so many classes should say.

    Two: one for low, one for high. One: the mean rating. Ten: shares of the votes;
    where only a mean is known, a normal curve around it.

    Raises:
        ValueError: The data does not have it; names the photo.
    """
    if classes == 1:
        return np.array([record.mean], np.float32)
    if classes == 2:
        if record.label < 0:
            raise ValueError(
                f"{record.filename}: neither high nor low, expected a label; convert "
                "with a protocol that has labels (--protocol ava2)"
            )
        return np.eye(2, dtype=np.float32)[record.label]
    if sum(record.votes) and len(record.votes) == classes:
        votes = np.array(record.votes, np.float64)
        return (votes / votes.sum()).astype(np.float32)
    if record.votes or classes != len(RATING_BINS):
        raise ValueError(
            f"{record.filename}: got {len(record.votes)} kinds of votes, expected "
            f"{classes}; choose a recipe for these ratings"
        )
    known = {} if np.isnan(record.std) else {"std": max(record.std, 0.5)}
    return degradations.rating_distribution(record.mean, **known)


def rating_scores(
    ratings: NDArray[np.floating],
    records: Sequence[AestheticsRecord],
    *,
    bins: Sequence[float],
) -> dict[str, float]:
    """Scores of rated photos, with the baselines that know nothing beside them.

    Args:
        ratings: `[N, R]`, each row sums to 1.
        records: What people said.
        bins: What the R columns stand for.

    Returns:
        Two bins: `accuracy` and `accuracy_majority`. Others: `srcc` and `lcc` of the
        means, `accuracy` at 5 with `accuracy_majority`, and for votes `emd` (r = 1) and
        `emd_r2` with `emd_constant`, that of the mean distribution.
    """
    means = metrics.rating_mean(ratings, bins)
    if len(bins) == 2 and bins[0] == 0:
        truth = np.array([record.label for record in records]) == 1
        return _accuracies(means > 0.5, truth)
    truth = np.array([record.mean for record in records])
    scores = {
        "srcc": metrics.spearman(truth, means),
        "lcc": metrics.pearson(truth, means),
        **_accuracies(means > _HIGH, truth > _HIGH),
    }
    if len(bins) == 2:
        return scores | {"mse": float(((means - truth) ** 2).mean())}
    targets = np.stack([rating_target(one, classes=len(bins)) for one in records])
    constant = np.broadcast_to(targets.mean(axis=0), targets.shape)
    rated = ratings.astype(np.float32)
    return scores | {
        "emd": float(losses.earth_movers_distance(targets, rated, power=1.0)),
        "emd_r2": float(losses.earth_movers_distance(targets, rated)),
        "emd_constant": float(
            losses.earth_movers_distance(targets, constant, power=1.0)
        ),
    }


def _accuracies(said: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    high = float(truth.mean())
    return {
        "accuracy": float((said == truth).mean()),
        "accuracy_majority": max(high, 1 - high),
    }


def _marks(ratings: Any, spec: ModelSpec) -> Any:
    bins = ops.convert_to_tensor(spec.rating_bins, dtype="float32")
    return ops.sum(ratings * bins, axis=-1)


def _rate_whole(
    scorer: scorers.LogitsScorer, record: AestheticsRecord
) -> NDArray[np.float32]:
    """Ratings `[R]` of a photo, fitted and padded as scoring does."""
    pixels = evaluation.working_pixels(record, max_side=scorer.card.max_side)
    placement = geometry.place(
        pixels.shape[:2],
        max_side=None,
        multiple=scorers.SIDE_ROUNDING,
        minimum=scorer.card.minimum_side,
    )
    padded = images.pad(pixels, placement.padded, scorer.card.padding_value)
    sizes = np.array([pixels.shape[:2]], np.int32)
    return scorer.score(padded[None], sizes)["ratings"][0]
