"""Copies get worse with strength, and their target ratings fall."""

import numpy as np
import pytest

from fcn_core.evaluation import degradations
from fcn_core.labels import RATING_BINS
from fcn_core.metrics.ratings import rating_mean, rating_std
from tests.drawn import tiny_models

KINDS = sorted(degradations.DEGRADATIONS)


def worse(kind: str, strength: float, seed: int = 0) -> np.ndarray:
    photo = tiny_models.draw_pixels(96, 128)
    rng = np.random.default_rng(seed)
    return degradations.degrade(photo, kind, strength=strength, rng=rng)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_photos_that_differ_more_and_more(kind: str) -> None:
    photo = tiny_models.draw_pixels(96, 128)
    distances = []
    for strength in (0.1, 0.5, 1.0):
        copy = worse(kind, strength)
        assert copy.dtype == np.uint8
        assert copy.shape == photo.shape
        distances.append(np.abs(copy.astype(int) - photo).mean())
    assert distances == sorted(distances)
    assert np.array_equal(worse(kind, 0), photo)


@pytest.mark.parametrize("kind", KINDS)
def test_same_generator_same_copy(kind: str) -> None:
    assert np.array_equal(worse(kind, 0.7, seed=3), worse(kind, 0.7, seed=3))


def test_targets_are_distributions_shaped_like_votes() -> None:
    for mean in (3.5, 5.4, 6.0):
        ratings = degradations.rating_distribution(mean)[None]
        assert ratings.dtype == np.float32
        assert ratings.sum() == pytest.approx(1, abs=1e-6)
        assert rating_mean(ratings, RATING_BINS)[0] == pytest.approx(mean, abs=0.1)
        assert rating_std(ratings, RATING_BINS)[0] == pytest.approx(1.43, abs=0.1)


def test_targets_fall_with_strength() -> None:
    targets = np.stack([degradations.target_ratings(s) for s in (0, 0.5, 1)])
    means = rating_mean(targets, RATING_BINS)
    assert (np.diff(means) < -0.2).all()


def test_strength_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 0\.\.1"):
        worse("blur", 1.5)
