"""Ratings as people gave them: votes, high or low, or a mark, from whole photos."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, cast

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fcn_core import images, scoring
from fcn_core import views as fcn_core_views
from fcn_core.evaluation import degradations, keras_engine
from fcn_core.labels import RATING_BINS, VOID
from fcn_core.metrics import correlation
from fcn_core.metrics.ratings import RatingRows
from fcn_core.models.networks.ratings import pool_cells
from fcn_core.models.spec import BASELINE, ModelSpec
from fcn_core.recipes.recipe import Recipe
from fcn_core.records.record import AestheticsRecord
from fcn_core.records.source import Source, naming
from fcn_core.scoring import feed
from fcn_core.training.objectives import augmentation, losses
from fcn_core.training.objectives.augmentation import augmentation_of
from fcn_core.training.objectives.rated import RatedObjective

_LABELS: Final = (0, 1)
"""Bins of a network that tells low from high."""

_OF_SIDES: Final = ("accuracy", "majority_accuracy")
_OF_MEANS: Final = ("srcc_mean", "lcc_mean", *_OF_SIDES)
_OF_VOTES: Final = (
    "srcc_std",
    "lcc_std",
    "emd_r1",
    "constant_emd_r1",
    "emd_r2",
    "constant_emd_r2",
)


class RatingObjective(RatedObjective):
    """Learns how voters rate a photo; how depends on the network's classes.

    Two classes: cross-entropy of the label low or high. Ten: earth mover's distance
    (r = 2) to the distribution of votes. One: squared error of the mean.
    """

    def __init__(self, spec: ModelSpec, recipe: Recipe) -> None:
        super().__init__(spec, recipe)
        self._settings = augmentation_of(recipe, spec)
        self.judge = "accuracy" if spec.classes == 2 else "srcc_mean"

    def _examples(
        self, record: AestheticsRecord, rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        if self._recipe.views:
            photos = self._views_of(record)
            if self._recipe.flip and rng.random() < 0.5:
                photos = photos[:, :, ::-1]
            sizes = np.full((len(photos), 2), photos.shape[1:3], np.int32)
        elif self._recipe.nearest_pixels:
            photos, sizes = self._as_scored(record, rng)
        else:
            photos, sizes = self._crop(record, rng)
        target = rating_target(record, classes=self._spec.classes)
        return photos, sizes, np.stack([target] * len(photos))

    def _views_of(self, record: AestheticsRecord) -> NDArray[np.uint8]:
        """Returns the photo as the recipe's views show it, uint8 `[views, H, W, 3]`."""
        pixels = images.decode(record.encoded).pixels
        mode = cast(fcn_core_views.ViewMode, self._recipe.views)
        views = fcn_core_views.views(pixels.shape[:2], mode, side=self._recipe.crop[0])
        fill = self._recipe.padding_value
        return np.stack([images.view(pixels, view, fill) for view in views])

    def _crop(
        self, record: AestheticsRecord, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Returns a random crop at the working size, its valid height and width."""
        pixels = feed.working_pixels(record, max_side=self._recipe.max_side)
        everywhere = np.zeros(pixels.shape[:2], np.uint8)
        photo, valid = augmentation.augment(
            pixels, everywhere, settings=self._settings, rng=rng
        )
        inside = valid != VOID
        size = [inside.any(axis=1).sum(), inside.any(axis=0).sum()]
        return photo[None], np.array([size], np.int32)

    def _as_scored(
        self, record: AestheticsRecord, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Returns the whole photo as scoring samples it: a filter reads as blur."""
        wanted = feed.feed_of(self.card)
        decoded = images.decode(record.encoded, max_side=wanted.max_side)
        fed = feed.prepare(decoded, wanted)
        is_flipped = self._recipe.flip and rng.random() < 0.5
        return (fed.batch[:, :, ::-1] if is_flipped else fed.batch), fed.sizes

    def loss(self, logits: Any, piece: Any, *, total: Any, soft: Any = None) -> Any:
        """Returns the loss for the network's number of classes, on pooled cells."""
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
        """Returns the `rating_scores` of the photos of a source."""
        photos = scoring.PhotoScorer([keras_engine.scorer_of(model, self.card)])
        rated, votes = [], []
        for record in source.records():
            with naming(record):
                if self._recipe.views:
                    rated.append(self._rate(model, self._views_of(record)).mean(axis=0))
                else:
                    score = photos.score_photo(record.encoded)
                    rated.append(np.asarray(score.aesthetics_ratings))
            votes.append(record)
        return rating_scores(np.stack(rated), votes, bins=self._spec.rating_bins)

    def _rate(
        self, model: keras.Model, photos: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Rates views as they were trained: nothing is padded."""
        logits = model.predict_on_batch(photos.astype(np.float32))
        sizes = np.full((len(photos), 2), photos.shape[1:3], np.int32)
        pooled = self._pooled(np.asarray(logits, np.float32), sizes)
        return np.asarray(ops.softmax(pooled))

    @property
    def _examples_a_record(self) -> int:
        """An example a view; long photos have more than three (`fcn_core.views`)."""
        return 3 if self._recipe.views == "multi_crop" else 1


def rating_target(record: AestheticsRecord, *, classes: int) -> NDArray[np.float32]:
    """Returns what a network of so many classes should answer, float32 `[classes]`.

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
    """Returns scores of rated photos, and of baselines that know nothing.

    They come from the code of `fcn evaluate`.

    Args:
        ratings: Shares `[N, R]`, each row sums to 1.
        records: What people voted.
        bins: What the R columns stand for; (0, 1): low and high.

    Returns:
        Figures of `rating_metrics.RatingScores` by name: those that the bins can have.
    """
    labels = tuple(bins) == _LABELS
    rows = RatingRows.total(
        bins,
        [
            RatingRows.of(
                bins,
                ratings=row,
                votes=record.votes if len(record.votes) == len(bins) else (),
                mean=float(record.label) if labels else record.mean,
                std=float("nan") if labels else record.std,
            )
            for row, record in zip(ratings, records, strict=True)
        ],
    )
    scores = asdict(rows.result())
    if labels:
        return {name: scores[name] for name in _OF_SIDES}
    if len(bins) == 2:
        gaps = rows.named["predicted_mean"] - rows.named["target_mean"]
        of_means = {name: scores[name] for name in _OF_MEANS}
        return of_means | {"mse": correlation.exact_mean(gaps * gaps)}
    return {name: scores[name] for name in _OF_MEANS + _OF_VOTES}


def _marks(ratings: Any, spec: ModelSpec) -> Any:
    bins = ops.convert_to_tensor(spec.rating_bins, dtype="float32")
    return ops.sum(ratings * bins, axis=-1)
