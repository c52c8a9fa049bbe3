"""One night's table, read once in record batches, as the page needs it.

Sums over all rows, and a few rows to show: memory does not grow with the night. The
rows shown depend on nothing but the table, so the page can be made again.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fcn_core.labels import RatingTask
from pipelines.pages.chips import NOTABLE_SHARE
from pipelines.pages.figures import FINE_BINS, Scores
from pipelines.score.rows import SCORES_SCHEMA, ScoreRow

Scales = Mapping[RatingTask, tuple[float, float]]
"""Task -> the lowest and the highest rating of its model."""

_ANY_SCALE: Final[tuple[RatingTask, tuple[float, float]]] = ("aesthetics", (1.0, 10.0))
_CLASS_IDS: Final = 256
_STRATA: Final = 20
_STRATA_WITHOUT_SCORE: Final = 1000
_FAILURES_PER_REASON: Final = 25
_KEY_HASH_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class ClassArea:
    """What one class covered over the whole night.

    Attributes:
        class_id: 0..255.
        share: Of all pixels of all scored photos, 0..1.
        photos: How many photos show it on at least `NOTABLE_SHARE` of their pixels.
    """

    class_id: int
    share: float
    photos: int


@dataclass(frozen=True, slots=True)
class NightTable:
    """What the page shows of a night.

    Attributes:
        scores: Task -> of every scored photo, for the models that rated.
        areas: The classes seen, largest first; empty where no model segmented.
        sample: Rows of scored photos, best score first, evenly over the scores of the
            first of the tasks.
        failures: Rows of failed photos, at most 25 a reason, in the table's order.
        failed: Photos by reason, all of them.
    """

    scores: dict[RatingTask, Scores]
    areas: tuple[ClassArea, ...]
    sample: tuple[ScoreRow, ...]
    failures: tuple[ScoreRow, ...]
    failed: dict[str, int]


def read(
    batches: Iterable[pa.RecordBatch], *, scales: Scales, sample_size: int
) -> NightTable:
    """Reads the rows of a night.

    Args:
        batches: Of all columns of the scores table, in its order; may be none.
        scales: Of the models that rated; the first decides which photos are shown.
        sample_size: How many scored photos to show at most.
    """
    scores = {task: _ScoreSums(*scale) for task, scale in scales.items()}
    areas = _AreaSums()
    sample = _Sample(sample_size, scales)
    failures = _Failures()
    for batch in batches:
        rows = pa.Table.from_batches([batch]).combine_chunks()
        is_ok = pc.equal(rows["status"], "ok")
        ok = rows.filter(is_ok)
        for task, sums in scores.items():
            sums.add(ok[f"{task}_mean"])
        areas.add(ok["segmentation_classes"], ok["segmentation_pixels"])
        sample.add(ok)
        failures.add(rows.filter(pc.invert(is_ok)))
    return NightTable(
        scores={
            task: result for task, sums in scores.items() if (result := sums.result())
        },
        areas=areas.result(),
        sample=sample.result(),
        failures=tuple(failures.rows),
        failed=dict(failures.counts),
    )


class _ScoreSums:
    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high
        self._counts = np.zeros(FINE_BINS, np.int64)
        self._sum = 0.0
        self._lowest, self._highest = np.inf, -np.inf

    def add(self, column: pa.ChunkedArray) -> None:
        means = _floats(column)
        means = means[np.isfinite(means)]
        if not means.size:
            return
        position = (means - self._low) / (self._high - self._low) * FINE_BINS
        # Scores are float32: what lies on a bin's edge must not fall below it.
        fine = np.clip(np.floor(position + 1e-4), 0, FINE_BINS - 1).astype(np.int64)
        self._counts += np.bincount(fine, minlength=FINE_BINS)
        self._sum += float(means.sum())
        self._lowest = min(self._lowest, float(means.min()))
        self._highest = max(self._highest, float(means.max()))

    def result(self) -> Scores | None:
        total = int(self._counts.sum())
        if not total:
            return None
        return Scores(
            low=self._low,
            high=self._high,
            counts=self._counts,
            lowest=self._lowest,
            mean=self._sum / total,
            highest=self._highest,
        )


class _AreaSums:
    def __init__(self) -> None:
        self._pixels = np.zeros(_CLASS_IDS, np.int64)
        self._photos = np.zeros(_CLASS_IDS, np.int64)

    def add(self, classes: pa.ChunkedArray, pixels: pa.ChunkedArray) -> None:
        if not len(classes) or pa.types.is_null(classes.type):
            return
        lists = pixels.combine_chunks()
        photo = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
        counts = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
        ids = pc.list_flatten(classes.combine_chunks()).to_numpy(zero_copy_only=False)
        if not counts.size:
            return
        of_photo = np.bincount(photo, counts, minlength=len(lists))[photo]
        notable = counts >= NOTABLE_SHARE * of_photo
        # bincount would add in float64: exact up to 2^53 pixels only.
        np.add.at(self._pixels, ids, counts)
        self._photos += np.bincount(ids[notable], minlength=_CLASS_IDS)

    def result(self) -> tuple[ClassArea, ...]:
        total = int(self._pixels.sum())
        seen = np.flatnonzero(self._pixels)
        areas = [
            ClassArea(int(i), int(self._pixels[i]) / total, int(self._photos[i]))
            for i in seen
        ]
        return tuple(sorted(areas, key=lambda area: (-area.share, area.class_id)))


class _Sample:
    """Draws rows evenly over the scores, or over the dominant classes without scores.

    Within a stratum the rows with the smallest key hashes are drawn: a fixed random
    order that does not depend on the order of the table.
    """

    def __init__(self, size: int, scales: Scales) -> None:
        task, (self._low, self._high) = next(iter(scales.items()), _ANY_SCALE)
        self._size, self._mean = size, f"{task}_mean"
        self._kept: pa.Table | None = None

    def add(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        rows = rows.append_column("stratum", pa.array(self._strata(rows)))
        digits = pc.utf8_slice_codeunits(rows["image_key"], -_KEY_HASH_DIGITS)
        rows = rows.append_column("rank", digits)
        if self._kept is not None:
            rows = pa.concat_tables([self._kept, rows])
        rows = rows.sort_by([("stratum", "ascending"), ("rank", "ascending")])
        _, place = _places(rows)
        self._kept = rows.filter(pa.array(place < self._size))

    def _strata(self, rows: pa.Table) -> NDArray[np.int64]:
        means = _floats(rows[self._mean])
        position = (means - self._low) / (self._high - self._low) * _STRATA
        by_score = np.clip(np.nan_to_num(position), 0, _STRATA - 1).astype(np.int64)
        dominant = np.nan_to_num(_floats(rows["dominant_class"]), nan=_CLASS_IDS)
        by_class = _STRATA_WITHOUT_SCORE + dominant.astype(np.int64)
        return np.where(np.isfinite(means), by_score, by_class)

    def result(self) -> tuple[ScoreRow, ...]:
        if self._kept is None:
            return ()
        stratum, place = _places(self._kept)
        _, inverse, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
        quotas = np.array(_even_quotas(sizes.tolist(), self._size))
        drawn = _rows(self._kept.filter(pa.array(place < quotas[inverse])))
        return tuple(sorted(drawn, key=self._best_first))

    def _best_first(self, row: ScoreRow) -> tuple[float, str]:
        mean = getattr(row, self._mean)
        return (np.inf if mean is None or np.isnan(mean) else -mean, row.image_key)


def _places(rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the sorted strata and each row's place within its stratum, from 0."""
    stratum = rows["stratum"].to_numpy()
    return stratum, np.arange(stratum.size) - np.searchsorted(stratum, stratum)


def _even_quotas(sizes: Sequence[int], total: int) -> list[int]:
    """Shares `total` out evenly; what a small stratum cannot fill goes to the others.

    Returns:
        A quota for each size, at most that size; their sum is `total` or all there is.
    """
    quotas = [0] * len(sizes)
    left = total
    ascending = sorted(range(len(sizes)), key=lambda i: (sizes[i], i))
    for done, i in enumerate(ascending):
        quotas[i] = min(sizes[i], left // (len(sizes) - done))
        left -= quotas[i]
    return quotas


@dataclass
class _Failures:
    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    rows: list[ScoreRow] = dataclasses.field(default_factory=list)

    def add(self, failed: pa.Table) -> None:
        reasons = failed["error_reason"].to_pylist()
        shown = []
        for index, reason in enumerate(reasons):
            self.counts[reason] += 1
            if self.counts[reason] <= _FAILURES_PER_REASON:
                shown.append(index)
        self.rows += _rows(failed.take(pa.array(shown, pa.int64())))


def _rows(table: pa.Table) -> list[ScoreRow]:
    names = SCORES_SCHEMA.names
    return [ScoreRow(**row) for row in table.select(names).to_pylist()]


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Returns float64 with NaN where the table has no value."""
    return pc.fill_null(pc.cast(column, pa.float64()), np.nan).to_numpy()
