"""Gates on the rows of a night: how far they are from those of a reference."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pipelines.chunks import distances
from pipelines.chunks.gates import Gate, GateName, at_most
from pipelines.score.gate_settings import GateSettings
from pipelines.score.statistics import Statistics

_DRIFTS: Final[dict[str, tuple[GateName, GateName]]] = {
    "aesthetics": ("aesthetics_psi", "aesthetics_ks"),
    "technical": ("technical_psi", "technical_ks"),
}
"""Task -> the gates of its ratings."""


def compare(got: Statistics, expected: Statistics, limits: GateSettings) -> list[Gate]:
    """Returns the gates on rows, compared with a reference.

    Each limit is what may be, and what chance alone adds to it at so many photos.

    Args:
        got: Of the night.
        expected: Of the reference; empty where there is none.
        limits: The limits.
    """
    found = list[Gate]()
    for task, counts in got.ratings.items():
        reference = expected.ratings.get(task, {})
        if _are_enough(sum(counts.values()), sum(reference.values()), limits):
            pair = _aligned(reference, counts)
            found += _drift(task, *pair, limits=limits)
    return [*found, *_classes(got, expected, limits), *_blank(got, expected, limits)]


def _are_enough(got: int, expected: int, limits: GateSettings) -> bool:
    return min(got, expected) >= limits.min_photos


def _aligned(
    first: dict[int, int], second: dict[int, int]
) -> tuple[distances.Counts, distances.Counts]:
    """Returns two counts over the same classes, in order."""
    keys = sorted({*first, *second})
    one, other = ([c.get(key, 0) for key in keys] for c in (first, second))
    return np.array(one, np.int64), np.array(other, np.int64)


def _drift(
    task: str,
    expected: distances.Counts,
    got: distances.Counts,
    *,
    limits: GateSettings,
) -> Iterator[Gate]:
    by_index, by_gap = _DRIFTS[task]
    if limits.max_psi is not None:
        index, noise = distances.stability_index(expected, got)
        what = f"drift of {task} ratings (PSI)"
        yield at_most(by_index, index, limits.max_psi + noise, what=what)
    if limits.max_ks is not None:
        gap, noise = distances.largest_gap(expected, got)
        what = f"drift of {task} ratings (KS)"
        yield at_most(by_gap, gap, limits.max_ks + noise, what=what)


def _classes(
    got: Statistics, expected: Statistics, limits: GateSettings
) -> Iterator[Gate]:
    expected_counts, counts = _aligned(expected.dominant, got.dominant)
    are_enough = _are_enough(int(counts.sum()), int(expected_counts.sum()), limits)
    if limits.max_class_shift is not None and are_enough:
        share, noise = distances.moved_share(expected_counts, counts)
        limit, what = limits.max_class_shift + noise, "share of photos of other classes"
        yield at_most("class_share", share, limit, what=what)


def _blank(
    got: Statistics, expected: Statistics, limits: GateSettings
) -> Iterator[Gate]:
    pair = (got.blank, got.segmented)
    if limits.max_blank_rate is not None and got.segmented >= limits.min_photos:
        rate, most = got.blank / got.segmented, limits.max_blank_rate
        yield at_most("blank_rate", rate, most, what="share of blank masks")
    are_enough = _are_enough(got.segmented, expected.segmented, limits)
    if limits.max_blank_shift is not None and are_enough:
        change, noise = distances.rate_change(
            (expected.blank, expected.segmented), pair
        )
        limit, what = (
            limits.max_blank_shift + noise,
            "change of the share of blank masks",
        )
        yield at_most("blank_shift", change, limit, what=what)
