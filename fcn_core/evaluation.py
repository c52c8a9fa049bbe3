"""How good a model is, measured through the very code that scores photos.

`PhotoScorer` runs the Keras model in place of an engine, so decoding, fitting, padding,
upsampling and the original size cannot differ from what a night of scoring does.
"""

from collections.abc import Iterable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core import (
    degradations,
    engines,
    geometry,
    images,
    metrics,
    photo_evaluation,
    rating_metrics,
    scoring,
)
from fcn_core.labels import VOID
from fcn_core.model_card import ModelCard, RatingsHead
from fcn_core.models import ModelSpec
from fcn_core.models.spec import RATING_STRIDE
from fcn_core.records import AestheticsRecord, ImageRecord, SegmentationRecord
from fcn_core.scorers import LogitsScorer

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
"""Strengths at which degraded copies are rated."""


class KerasEngine:
    """Runs a Keras model where scoring expects an engine."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def logits(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 RGB `[B, H, W, 3]` -> float32 logits `[B, h, w, C]`."""
        logits = self._model.predict_on_batch(batch.astype(np.float32))
        return np.asarray(logits, np.float32)  # of a model in training may be half

    def both_logits(
        self, batch: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same from a model of two outputs: of classes, of ratings."""
        outputs = self._model.predict_on_batch(batch.astype(np.float32))
        return np.asarray(outputs["logits"]), np.asarray(outputs["rating_logits"])


def draft_card(
    spec: ModelSpec,
    *,
    name: str,
    classes: Sequence[str] | None,
    padding_value: tuple[int, int, int],
    max_side: int | None,
    enlarge: float = 1.0,
) -> ModelCard:
    """Returns a card that says how to feed a model; its history comes at export."""
    return ModelCard(
        name=name,
        version="0",
        task=spec.task,
        classes=list(classes) if spec.task == "segmentation" and classes else None,
        rating_bins=list(spec.rating_bins) if spec.task == "aesthetics" else None,
        logits_stride=spec.logits_stride,
        size_multiple=spec.size_multiple,
        alignment=spec.alignment,
        padding_value=padding_value,
        max_side=max_side,
        enlarge=enlarge,
        minimum_side=spec.minimum_side,
        pooling=spec.pooling,
        ratings=_ratings_head(spec),
        origin="",
        licence="",
    )


def _ratings_head(spec: ModelSpec) -> RatingsHead | None:
    if not spec.rating_classes:
        return None
    return RatingsHead(
        rating_bins=list(spec.rating_bins),
        logits_stride=RATING_STRIDE,
        pooling=spec.pooling,
    )


def scorer_of(model: keras.Model, card: ModelCard) -> LogitsScorer:
    """Returns a scorer that runs a Keras model as its card says."""
    arithmetic = engines.resolve_arithmetic("tensorflow", "f32")
    return LogitsScorer(card, KerasEngine(model), arithmetic)


def evaluate_segmentation(
    model: keras.Model,
    card: ModelCard,
    records: Iterable[SegmentationRecord],
    *,
    void: int = VOID,
) -> metrics.SegmentationScores:
    """Scores every photo at its original size into one confusion matrix.

    Raises:
        BadImage: A photo of the data set does not decode.
        ValueError: A label has another size than its photo or an unknown class.
    """
    photos = scoring.PhotoScorer([scorer_of(model, card)])
    total = metrics.ConfusionMatrix.zero(card.num_classes)
    class_ids = range(card.num_classes)
    for record in records:
        total += photo_evaluation.segment(
            photos, record, class_ids=class_ids, void={void}
        ).confusion
    return total.result()


def evaluate_ratings(
    model: keras.Model, card: ModelCard, records: Iterable[AestheticsRecord]
) -> rating_metrics.RatingScores:
    """Rates every photo and compares it with its votes.

    Raises:
        BadImage: A photo of the data set does not decode.
        ValueError: Votes are not for the model's bins.
    """
    photos = scoring.PhotoScorer([scorer_of(model, card)])
    bins = card.rating_bins or ()
    rows = (photo_evaluation.rate(photos, record, bins=bins).row for record in records)
    return rating_metrics.RatingRows.total(bins, rows).result()


def evaluate_quality(
    scorer: LogitsScorer, records: Iterable[ImageRecord], *, seed: int
) -> dict[str, float]:
    """Rates photos and degraded copies of them.

    Returns:
        `srcc`: rank correlation between the mean rating and minus the strength, over
        all photos, kinds and strengths (untouched photos have strength 0); `srcc_KIND`
        over one kind; `monotone_KIND`: share of photos whose rating falls with every
        step of the strength; `above_strong`: share of (photo, kind) where the untouched
        photo is above its strongest copy.
    """
    rated = [_rate_copies(scorer, record, seed=seed) for record in records]
    means = {kind: np.array([row[kind] for row in rated]) for kind in rated[0]}
    strengths = np.broadcast_to((0.0, *STRENGTHS), means["blur"].shape)
    result = {
        "srcc": metrics.spearman(
            -np.concatenate(
                [strengths[:, 0], *[strengths[:, 1:].ravel() for _ in means]]
            ),
            np.concatenate(
                [means["blur"][:, 0], *[m[:, 1:].ravel() for m in means.values()]]
            ),
        )
    }
    for kind, values in means.items():
        result[f"srcc_{kind}"] = metrics.spearman(-strengths.ravel(), values.ravel())
        result[f"monotone_{kind}"] = float((np.diff(values) < 0).all(axis=1).mean())
    strong = [m[:, 0] > m[:, -1] for m in means.values()]
    result["above_strong"] = float(np.mean(strong))
    result["mean_untouched"] = float(means["blur"][:, 0].mean())
    return result


def _rate_copies(
    scorer: LogitsScorer, record: ImageRecord, *, seed: int
) -> dict[str, list[float]]:
    """Mean ratings by kind: of the photo itself, then at each of `STRENGTHS`."""
    pixels = working_pixels(record, max_side=scorer.card.max_side)
    # A photo's copies do not depend on which other photos are evaluated.
    rng = np.random.default_rng((seed, int(record.sha256[:8], 16)))
    copies = [
        degradations.degrade(pixels, kind, strength=strength, rng=rng)
        for kind in degradations.DEGRADATIONS
        for strength in STRENGTHS
    ]
    untouched, *means = _mean_ratings(scorer, [pixels, *copies])
    ratings = iter(means)
    return {
        kind: [untouched, *(next(ratings) for _ in STRENGTHS)]
        for kind in degradations.DEGRADATIONS
    }


def _mean_ratings(
    scorer: LogitsScorer, photos: Sequence[NDArray[np.uint8]]
) -> list[float]:
    """Rates photos as a night does, one a call, each padded to its own size.

    Stacking them would be slower: a whole stack of activations leaves the caches.
    """
    return [_mean_rating(scorer, photo) for photo in photos]


def _mean_rating(scorer: LogitsScorer, photo: NDArray[np.uint8]) -> float:
    placement = geometry.place(
        (photo.shape[0], photo.shape[1]),
        max_side=None,
        multiple=scoring.SIDE_ROUNDING,
        minimum=scorer.card.minimum_side,
    )
    padded = images.pad(photo, placement.padded, scorer.card.padding_value)
    sizes = np.array([placement.fitted], np.int32)
    return float(scorer.score(padded[None], sizes)["mean"][0])


def working_pixels(record: ImageRecord, *, max_side: int | None) -> NDArray[np.uint8]:
    """Returns a record's photo at the size a model works at, uint8 `[H, W, 3]`."""
    decoded = images.decode(record.encoded, max_side=max_side)
    size = geometry.fit((decoded.height, decoded.width), max_side=max_side)
    return images.resize(decoded.pixels, size)
