"""How well ratings follow quality: photos against degraded copies of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images
from fcn_core.evaluation import degradations
from fcn_core.metrics import correlation
from fcn_core.records.record import ImageRecord
from fcn_core.records.source import naming
from fcn_core.scoring.feed import working_pixels
from fcn_core.scoring.scorers import LogitsScorer, side_multiple

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
"""Strengths at which degraded copies are rated."""


@dataclass(frozen=True)
class _Rated:
    """Mean ratings of a photo: as it is, and by kind of its copies at `STRENGTHS`."""

    untouched: float
    copies: dict[str, list[float]]


def evaluate_quality(
    scorer: LogitsScorer, records: Iterable[ImageRecord], *, seed: int
) -> dict[str, float]:
    """Rates photos and degraded copies of them.

    Args:
        scorer: Rates photos.
        records: The photos.
        seed: Of the copies.

    Returns:
        `srcc`: rank correlation between the mean rating and minus the strength, over
        all photos, kinds and strengths (untouched photos have strength 0); `srcc_KIND`
        over one kind; `monotone_KIND`: share of photos whose rating falls with every
        step of the strength; `above_strong`: share of (photo, kind) where the untouched
        photo is above its strongest copy; `mean_untouched`: mean rating without copies.

    Raises:
        DatasetError: A photo does not decode; names it.
    """
    rated = []
    for record in records:
        with naming(record):
            rated.append(_rate_copies(scorer, record, seed=seed))
    untouched = np.array([photo.untouched for photo in rated])
    kinds = list(degradations.DEGRADATIONS)
    copies = np.array([[photo.copies[kind] for kind in kinds] for photo in rated])
    strengths = np.broadcast_to(STRENGTHS, copies.shape)
    result = {"srcc": _correlate(untouched, copies, strengths)}
    for number, kind in enumerate(kinds):
        means = copies[:, number]
        result[f"srcc_{kind}"] = _correlate(untouched, means, strengths[:, number])
        falls = np.diff(means, axis=1, prepend=untouched[:, None]) < 0
        result[f"monotone_{kind}"] = float(falls.all(axis=1).mean())
    result["above_strong"] = float((untouched[:, None] > copies[..., -1]).mean())
    result["mean_untouched"] = float(untouched.mean())
    return result


def _correlate(
    untouched: NDArray[np.float64],
    copies: NDArray[np.float64],
    strengths: NDArray[np.float64],
) -> float:
    """Returns the rank correlation of ratings with minus the strength."""
    return correlation.spearman(
        -np.concatenate([np.zeros(len(untouched)), strengths.ravel()]),
        np.concatenate([untouched, copies.ravel()]),
    )


def _rate_copies(scorer: LogitsScorer, record: ImageRecord, *, seed: int) -> _Rated:
    """Rates a photo and its copies."""
    pixels = working_pixels(record, max_side=scorer.card.max_side)
    # A photo's copies do not depend on which other photos are evaluated.
    rng = np.random.default_rng((seed, int(record.sha256[:8], 16)))
    copies = {
        kind: [
            degradations.degrade(pixels, kind, strength=strength, rng=rng)
            for strength in STRENGTHS
        ]
        for kind in degradations.DEGRADATIONS
    }
    return _Rated(
        untouched=_mean_rating(scorer, pixels),
        copies={
            kind: [_mean_rating(scorer, copy) for copy in worse]
            for kind, worse in copies.items()
        },
    )


def _mean_rating(scorer: LogitsScorer, photo: NDArray[np.uint8]) -> float:
    """Rates a photo as a night does, padded to its own size.

    A stack of photos would be slower: its activations leave the caches.
    """
    placement = geometry.place(
        (photo.shape[0], photo.shape[1]),
        max_side=None,
        multiple=side_multiple(scorer.card),
        minimum=scorer.card.minimum_side,
    )
    padded = images.pad(photo, placement.padded, scorer.card.padding_value)
    sizes = np.array([placement.fitted], np.int32)
    return float(scorer.score(padded[None], sizes)["mean"][0])
