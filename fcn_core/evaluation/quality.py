"""How good a model is, measured through the very code that scores photos.

`PhotoScorer` runs the Keras model in place of an engine, so decoding, fitting, padding,
upsampling and the original size cannot differ from what a night of scoring does.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images, scoring
from fcn_core.evaluation import degradations
from fcn_core.metrics import correlation
from fcn_core.records.record import ImageRecord
from fcn_core.records.source import naming
from fcn_core.scoring.feed import working_pixels
from fcn_core.scoring.scorers import LogitsScorer

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
"""Strengths at which degraded copies are rated."""


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

    Raises:
        DatasetError: A photo does not decode; names it.
    """
    rated = []
    for record in records:
        with naming(record):
            rated.append(_rate_copies(scorer, record, seed=seed))
    means = {kind: np.array([row[kind] for row in rated]) for kind in rated[0]}
    strengths = np.broadcast_to((0.0, *STRENGTHS), means["blur"].shape)
    result = {
        "srcc": correlation.spearman(
            -np.concatenate(
                [strengths[:, 0], *[strengths[:, 1:].ravel() for _ in means]]
            ),
            np.concatenate(
                [means["blur"][:, 0], *[m[:, 1:].ravel() for m in means.values()]]
            ),
        )
    }
    for kind, values in means.items():
        result[f"srcc_{kind}"] = correlation.spearman(
            -strengths.ravel(), values.ravel()
        )
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
