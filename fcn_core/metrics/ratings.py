"""How good predicted ratings are: one small row a photo, rows that add up in any order.

Rank correlation needs all photos at once, so the monoid keeps rows: about 130 bytes a
photo with ten bins. Everything that is summed over photos is summed exactly and
rounded once (`math.fsum`), so the result is the same to the last bit for every order
and grouping of the photos.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.correlation import exact_mean, pearson, spearman
from fcn_core.metrics.intervals import Correlations, bootstrap

_NAMES: Final = (
    "predicted_mean",
    "predicted_std",
    "target_mean",
    "target_std",
    "emd_r1",
    "emd_r2",
)


def earth_movers_distance(first: ArrayLike, second: ArrayLike, *, r: int) -> np.ndarray:
    """Returns float64 `[N]`: ((1/R) sum |CDF - CDF|^r)^(1/r) of each pair.

    Args:
        first: Shares `[N, R]` or `[R]`.
        second: Shares `[N, R]`.
        r: 1 or 2. Figures of different r cannot be compared: always name it.

    Raises:
        ValueError: Another r.
    """
    gaps = np.abs(
        np.cumsum(np.asarray(first, np.float64), -1)
        - np.cumsum(np.asarray(second, np.float64), -1)
    )
    if r == 1:
        return gaps.mean(-1)
    if r == 2:
        return np.sqrt((gaps * gaps).mean(-1))
    raise ValueError(f"r is {r}, expected 1 or 2; EMD is published with these")


@dataclass(frozen=True)
class RatingScores:
    """Scores of predicted ratings; NaN where nothing could be compared.

    Attributes:
        photos: Photos that were compared.
        with_votes: Those of them whose target is a distribution, for the EMD.
        accuracy: Share of photos on the same side of `accuracy_at` as their target.
        accuracy_at: A mean above it is high, at it or below low.
        srcc_mean: Rank correlation of the means, ties sharing their average rank.
        lcc_mean: Linear correlation of the means.
        mae_mean: Mean distance between the means.
        srcc_std: Rank correlation of the standard deviations, where targets have one.
        lcc_std: Linear correlation of the standard deviations.
        emd_r1: Mean earth mover's distance with r=1.
        emd_r2: Mean earth mover's distance with r=2.
        majority_accuracy: Accuracy of always saying the side most targets are on.
        constant_mae_mean: `mae_mean` of always saying the mean of all targets.
        constant_emd_r1: `emd_r1` of always predicting the mean of all targets.
        constant_emd_r2: `emd_r2` of the same.
    """

    photos: int
    with_votes: int
    accuracy: float
    accuracy_at: float
    srcc_mean: float
    lcc_mean: float
    mae_mean: float
    srcc_std: float
    lcc_std: float
    emd_r1: float
    emd_r2: float
    majority_accuracy: float
    constant_mae_mean: float
    constant_emd_r1: float
    constant_emd_r2: float


@dataclass(frozen=True, eq=False)
class RatingRows:
    """What is kept of each photo: a monoid (`zero`, `+`, `result`).

    Attributes:
        bins: The ratings that shares belong to, ascending.
        columns: float64 `[N, 6]`: predicted mean and standard deviation, the target's,
            EMD with r=1 and r=2; NaN where the target has none.
        targets: float64 `[N, R]` shares of the votes; NaN where there are no votes.
    """

    bins: tuple[float, ...]
    columns: NDArray[np.float64]
    targets: NDArray[np.float64]

    @classmethod
    def zero(cls, bins: Sequence[float]) -> Self:
        """Returns the rows of no photo."""
        empty = np.zeros((0, len(bins)))
        return cls(tuple(bins), np.zeros((0, len(_NAMES))), empty)

    @classmethod
    def of(
        cls,
        bins: Sequence[float],
        *,
        ratings: ArrayLike,
        votes: Sequence[int],
        mean: float,
        std: float,
    ) -> Self:
        """Returns the row of one photo.

        Args:
            bins: The ratings that `ratings` and `votes` belong to.
            ratings: Predicted shares `[R]`.
            votes: Votes for each rating; empty where only moments are known.
            mean: The target's mean; follows from the votes where there are any.
            std: The target's standard deviation, NaN where it is not known; likewise.

        Raises:
            ValueError: The votes are not one count a bin.
        """
        predicted = np.asarray(ratings, np.float64)[None]
        target = np.full((1, len(bins)), np.nan)
        if votes:
            if len(votes) != len(bins) or sum(votes) == 0:
                raise ValueError(
                    f"got {sum(votes)} votes for {len(votes)} ratings, expected some "
                    f"for {len(bins)} ratings as the model has bins"
                )
            counts = np.asarray(votes, np.float64)
            # Whole numbers first: a mean of exactly 5 must stay exactly 5.
            mean = float((counts * np.asarray(bins)).sum() / counts.sum())
            target[0] = counts / counts.sum()
            std = float(rating_std(target, bins)[0])
        row = (
            float(rating_mean(predicted, bins)[0]),
            float(rating_std(predicted, bins)[0]),
            mean,
            std,
            float(earth_movers_distance(predicted, target, r=1)[0]),
            float(earth_movers_distance(predicted, target, r=2)[0]),
        )
        return cls(tuple(bins), np.array([row]), target)

    @property
    def named(self) -> dict[str, NDArray[np.float64]]:
        """The columns by name."""
        return dict(zip(_NAMES, self.columns.T, strict=True))

    @classmethod
    def from_named(
        cls,
        bins: Sequence[float],
        named: dict[str, ArrayLike],
        targets: ArrayLike,
    ) -> Self:
        """Returns the rows whose `named` and `targets` these are."""
        columns = np.stack([np.asarray(named[name], np.float64) for name in _NAMES], 1)
        shares = np.asarray(targets, np.float64).reshape(-1, len(bins))
        return cls(tuple(bins), columns, shares)

    @classmethod
    def total(cls, bins: Sequence[float], parts: Iterable[Self]) -> Self:
        """Adds many at once; adding pairwise would copy the rows again and again."""
        rows = [cls.zero(bins), *parts]
        for part in rows:
            if part.bins != rows[0].bins:
                raise ValueError(
                    f"rows of the bins {rows[0].bins} and {part.bins} cannot be added; "
                    "evaluate both with the same bins"
                )
        return cls(
            rows[0].bins,
            np.concatenate([part.columns for part in rows]),
            np.concatenate([part.targets for part in rows]),
        )

    def __add__(self, other: Self) -> Self:
        return self.total(self.bins, (self, other))

    def confusion(self) -> ConfusionMatrix:
        """Returns photos by true (rows) and predicted mean, each to the nearest bin."""
        bins = np.asarray(self.bins)
        true, predicted = (
            np.abs(self.named[name][:, None] - bins).argmin(1)
            for name in ("target_mean", "predicted_mean")
        )
        return ConfusionMatrix.of(true, predicted, classes=len(bins), void=-1)

    def result(self) -> RatingScores:
        """Returns the scores of all photos so far."""
        named = self.named
        at = threshold(self.bins)
        means, truths = named["predicted_mean"], named["target_mean"]
        high = truths > at
        known_std = ~np.isnan(named["target_std"])
        stds = named["predicted_std"][known_std], named["target_std"][known_std]
        voted = ~np.isnan(self.targets).any(1)
        targets = self.targets[voted]
        constant = [exact_mean(column) for column in targets.T]
        return RatingScores(
            photos=len(self.columns),
            with_votes=len(targets),
            accuracy=exact_mean((means > at) == high),
            accuracy_at=at,
            srcc_mean=spearman(means, truths),
            lcc_mean=pearson(means, truths),
            mae_mean=exact_mean(np.abs(means - truths)),
            srcc_std=spearman(*stds),
            lcc_std=pearson(*stds),
            emd_r1=exact_mean(named["emd_r1"][voted]),
            emd_r2=exact_mean(named["emd_r2"][voted]),
            majority_accuracy=max(exact_mean(high), exact_mean(~high)),
            constant_mae_mean=exact_mean(np.abs(truths - exact_mean(truths))),
            constant_emd_r1=exact_mean(earth_movers_distance(constant, targets, r=1)),
            constant_emd_r2=exact_mean(earth_movers_distance(constant, targets, r=2)),
        )

    def intervals(self, *, seed: int) -> Correlations:
        """Returns the intervals of the correlations of means; see `bootstrap`."""
        named = self.named
        return bootstrap(named["predicted_mean"], named["target_mean"], seed=seed)


def threshold(bins: Sequence[float]) -> float:
    """Returns the mean above which a photo counts as good.

    On AVA's scale 1..10 that is 5, as is customary; elsewhere the middle.
    """
    if (bins[0], bins[-1]) == (1, 10):
        return 5.0
    return (bins[0] + bins[-1]) / 2


def rating_mean(ratings: NDArray[np.floating], bins: ArrayLike) -> NDArray[np.float64]:
    """Returns float64 `[N]`: the mean rating of each distribution `[N, R]`."""
    return np.asarray(ratings, np.float64) @ np.asarray(bins, np.float64)


def rating_std(ratings: NDArray[np.floating], bins: ArrayLike) -> NDArray[np.float64]:
    """Returns float64 `[N]`: the (population) standard deviation of each."""
    values = np.asarray(bins, np.float64)
    spread = (values - rating_mean(ratings, bins)[:, None]) ** 2
    return np.sqrt((np.asarray(ratings, np.float64) * spread).sum(axis=1))
