"""What the gates need of a night's rows: counts that add up, a few KB a night."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from fcn_core.labels import RATING_TASKS, RatingTask
from pipelines.chunks import pieces
from pipelines.chunks.frozen import Frozen
from pipelines.faults import SystemicFault
from pipelines.score import table
from pipelines.score.plan import PlannedNight

COLUMNS: Final = (
    "status",
    *(f"{task}_mean" for task in RATING_TASKS),
    "segmentation_classes",
    "dominant_class",
)

_STEPS: Final = 20
"""Steps of a rating that are counted, in each whole one."""


class Statistics(Frozen):
    """Counts over the scored photos of one night, or of several.

    Attributes:
        photos: Photos with a result.
        ratings: Task -> mean rating in twentieths, rounded down -> photos.
        dominant: Dominant class -> photos whose mask has more than one class.
        blank: Photos whose mask has a single class.
        stored_bytes: Size of their masks and rows.
    """

    photos: int = 0
    ratings: dict[RatingTask, dict[int, int]] = Field(default={})
    dominant: dict[int, int] = Field(default={})
    blank: int = 0
    stored_bytes: int = 0

    @property
    def segmented(self) -> int:
        """Photos with a mask."""
        return self.blank + sum(self.dominant.values())

    def encode(self) -> bytes:
        """Returns the counts as a file."""
        return self.model_dump_json().encode()


class Sum:
    """Adds rows and statistics up."""

    def __init__(self) -> None:
        self._photos = self._blank = self._bytes = 0
        self._ratings: dict[RatingTask, Counter[int]] = {}
        self._dominant = Counter[int]()

    def add_rows(self, rows: pa.Table | pa.RecordBatch, stored_bytes: int = 0) -> None:
        """Adds rows with `COLUMNS`, and the size of what is stored of them."""
        ok = rows.filter(pc.equal(rows["status"], "ok"))
        self._photos += ok.num_rows
        self._bytes += stored_bytes
        for task in RATING_TASKS:
            means = ok[f"{task}_mean"].drop_null().to_numpy(zero_copy_only=False)
            if means.size:
                counted = self._ratings.setdefault(task, Counter())
                # A float32 such as 4.35 lies a little below the decimal.
                steps = np.floor(means.astype(np.float64) * _STEPS + 1e-4)
                counted.update(_counted(steps.astype(np.int64)))
        masked = ok.filter(pc.is_valid(ok["segmentation_classes"]))
        is_blank = pc.less_equal(
            pc.list_value_length(masked["segmentation_classes"]), 1
        )
        self._blank += pc.sum(is_blank).as_py() or 0
        others = masked.filter(pc.invert(is_blank))["dominant_class"].drop_null()
        classes = others.to_numpy(zero_copy_only=False).astype(np.int64)
        self._dominant.update(_counted(classes))

    def add(self, other: Statistics) -> None:
        """Adds what was counted before."""
        self._photos += other.photos
        self._blank += other.blank
        self._bytes += other.stored_bytes
        self._dominant.update(other.dominant)
        for task, counts in other.ratings.items():
            self._ratings.setdefault(task, Counter()).update(counts)

    def total(self) -> Statistics:
        """Returns the sum."""
        ratings = self._ratings
        return Statistics(
            photos=self._photos,
            ratings={t: _sorted(ratings[t]) for t in RATING_TASKS if t in ratings},
            dominant=_sorted(self._dominant),
            blank=self._blank,
            stored_bytes=self._bytes,
        )


def _counted(values: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _sorted(counts: Counter[int]) -> dict[int, int]:
    return dict(sorted(counts.items()))


def total_of(nights: Iterable[PlannedNight]) -> Statistics:
    """Returns the statistics of committed nights together.

    Raises:
        SystemicFault: A file of them is missing or damaged.
    """
    total = Sum()
    for night in nights:
        total.add(of_night(night))
    return total.total()


def of_night(night: PlannedNight) -> Statistics:
    """Returns the statistics of a committed night.

    Nights of earlier versions have no file of them: their table is read.

    Raises:
        SystemicFault: The file is missing or damaged.
    """
    commit = night.commit()
    if commit is None or not commit.statistics:
        total = Sum()
        for batch in table.batches(night.folder, COLUMNS):
            total.add_rows(batch)
        return total.total()
    return read(night, commit.statistics[0])


def read(night: PlannedNight, piece: pieces.Piece) -> Statistics:
    """Returns statistics that a plan or a commit names.

    Raises:
        SystemicFault: The file is missing or damaged.
    """
    data = pieces.read_file(
        night.folder.pieces, piece, what="statistics", cure=night.cure
    )
    try:
        return Statistics.model_validate_json(data)
    except ValueError as error:
        raise SystemicFault(
            f"{piece.name}: got statistics of another version, expected those of this "
            f"version; {night.cure}"
        ) from error
