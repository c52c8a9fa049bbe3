"""Exact means and correlations of two lists of numbers."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcn_core.metrics.confusion import share


def exact_mean(values: ArrayLike) -> float:
    """Returns the mean, rounded once: the same for every order; NaN of no values."""
    listed = np.asarray(values, np.float64).ravel().tolist()
    return math.fsum(listed) / len(listed) if listed else float("nan")


def pearson(first: ArrayLike, second: ArrayLike) -> float:
    """Returns the linear correlation (LCC) of two lists, NaN if one is constant.

    The same to the last bit for every order of the pairs.
    """
    a = np.asarray(first, np.float64) - exact_mean(first)
    b = np.asarray(second, np.float64) - exact_mean(second)
    both, left, right = (
        math.fsum(product.tolist()) for product in (a * b, a * a, b * b)
    )
    return float(share(both, np.sqrt(left * right)))


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Returns the rank correlation (SRCC); ties share their average rank."""
    return pearson(_ranks(first), _ranks(second))


def _ranks(values: ArrayLike) -> NDArray[np.float64]:
    _, group, sizes = np.unique(
        np.asarray(values), return_inverse=True, return_counts=True
    )
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]
