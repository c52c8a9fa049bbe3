"""Votes as exact numbers: labels, moments, and AVA's published statistics."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fcn_core.datasets import votes
from fcn_core.datasets.ava import table as ava_table
from tests.drawn import tiny_ava


def test_labels_are_decided_in_integers() -> None:
    assert votes.exact_mean(tiny_ava.MIDDLE) == 5
    assert votes.label(tiny_ava.MIDDLE) == 0
    above = (*tiny_ava.MIDDLE[:5], tiny_ava.MIDDLE[5] + 1, *tiny_ava.MIDDLE[6:])
    assert votes.label(above) == 1
    huge = (0, 0, 0, 10**9, 1, 10**9, 0, 0, 0, 0)
    assert votes.label(huge) == 0
    assert votes.label((0, 0, 0, 10**9, 0, 10**9 + 1, 0, 0, 0, 0)) == 1


def test_delta_is_exact_and_includes_its_border() -> None:
    five_and_a_half = (0, 0, 0, 0, 1, 1, 0, 0, 0, 0)
    assert votes.is_clear(five_and_a_half, delta=Fraction("0.5"))
    assert not votes.is_clear(five_and_a_half, delta=Fraction("0.500000001"))
    assert votes.is_clear(tiny_ava.MIDDLE, delta=Fraction(0))


def test_moments_are_those_of_the_population() -> None:
    for number in range(20):
        counts = tiny_ava.votes(number)
        ratings = np.repeat(np.arange(1, 11), counts)
        mean, std = votes.moments(counts)
        assert mean == np.float32(ratings.mean())
        assert std == pytest.approx(ratings.std(), rel=1e-6)


@pytest.mark.skipif(
    "FCN_AVA_ROOT" not in os.environ, reason="FCN_AVA_ROOT (AVA.txt) is not set"
)
def test_the_real_votes_have_the_published_statistics() -> None:
    table = ava_table.parse_table(
        (Path(os.environ["FCN_AVA_ROOT"]) / "AVA.txt").read_bytes()
    )
    if len(table.rows) != 25_551:
        pytest.skip(f"{len(table.rows)} rows, expected the public 25,551")
    assert table.rejected == ()
    counts = np.array([row.votes for row in table.rows.values()])
    total = counts.sum(1)
    means, stds = np.array([votes.moments(row) for row in counts.tolist()]).T
    assert (total.min(), total.max(), round(total.mean(), 1)) == (81, 520, 210.8)
    assert (round(means.min(), 2), round(means.max(), 2)) == (1.81, 8.57)
    assert (round(means.mean(), 3), round(means.std(), 3)) == (5.377, 0.734)
    quantiles = np.quantile(means, [0.01, 0.1, 0.5, 0.9, 0.99])
    assert quantiles.round(2).tolist() == [3.55, 4.45, 5.38, 6.30, 7.07]
    assert round(stds.mean(), 3) == 1.431
    labels = np.array([votes.label(row) for row in counts.tolist()])
    assert round(100 * labels.mean(), 2) == 70.26
    ties = [row for row in counts.tolist() if votes.exact_mean(row) == 5]
    assert len(ties) == 62 and not any(map(votes.label, ties))
    shares = counts.astype(np.float32) / total[:, None].astype(np.float32)
    ratings = np.arange(1, 11, dtype=np.float32)
    flipped = ((shares * ratings).sum(1, dtype=np.float32) > 5) != labels
    assert flipped.sum() == 7
    for delta, kept in (("0.5", 13_923), ("1", 5_780)):
        clear = [votes.is_clear(row, delta=Fraction(delta)) for row in counts.tolist()]
        assert sum(clear) == kept
    shares = counts / total[:, None]
    distance = np.abs(np.cumsum(shares, 1) - np.cumsum(shares.mean(0)))
    assert round(float(distance.mean()), 4) == 0.0636
    assert round(float(np.sqrt((distance**2).mean(1)).mean()), 4) == 0.0893
