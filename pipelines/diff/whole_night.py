"""One of the nights as a whole, added up while its rows pass by."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fcn_core.labels import RATING_BINS, RATING_TASKS
from pipelines.diff.classes import PixelSums, Vocabulary
from pipelines.diff.difference import NightNumbers
from pipelines.diff.examples import COLUMNS as SHOWN
from pipelines.diff.spread import SpreadSums
from pipelines.score import table
from pipelines.score.layout import NightFolder
from pipelines.score.rows import SCORES_SCHEMA
from pipelines.score.summary import find_summary

COLUMNS = [
    *SHOWN,
    "segmentation_classes",
    "segmentation_pixels",
    "models",
    "fingerprint",
]
SCHEMA = pa.schema([SCORES_SCHEMA.field(name) for name in COLUMNS])


@dataclass
class WholeNight:
    """A night whose rows are read once.

    Attributes:
        folder: Of the night.
        vocabulary: Of the classes of both nights.
        names: Class id -> name.
        scales: Task -> lowest and highest rating of its model.
        places: Class id -> place in the vocabulary.
    """

    folder: NightFolder
    vocabulary: Vocabulary
    names: dict[int, str] = field(init=False)
    scales: dict[str, tuple[float, float]] = field(init=False)
    places: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        summary = find_summary(self.folder)
        model = summary.model("segmentation") if summary else None
        self.names = dict(enumerate((model and model.classes) or ()))
        self.places = self.vocabulary.places(self.names)
        self.scales = {}
        for task in RATING_TASKS:
            rated = summary.model(task) if summary else None
            bins = (rated and rated.rating_bins) or RATING_BINS
            self.scales[task] = (float(min(bins)), float(max(bins)))
        self._counts: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._pixels = PixelSums()
        self._ratings = {t: SpreadSums(*scale) for t, scale in self.scales.items()}
        self._of = ("", "")

    def rows(self) -> Iterator[pa.Table]:
        """Yields the rows, and adds them up.

        Raises:
            SystemicFault: The table is damaged.
        """
        for batch in table.batches(self.folder, COLUMNS):
            rows = pa.Table.from_batches([batch], schema=SCHEMA)
            self._add(rows)
            yield rows

    def _add(self, rows: pa.Table) -> None:
        is_ok = pc.equal(rows["status"], "ok")
        ok, failed = rows.filter(is_ok), rows.filter(pc.invert(is_ok))
        self._counts.update(ok=len(ok), failed=len(failed))
        self._failures.update(failed["error_reason"].to_pylist())
        self._pixels.add(ok, self.places)
        for task, sums in self._ratings.items():
            sums.add(floats(ok[f"{task}_mean"]))
        if len(rows) and not self._of[0]:
            self._of = (rows["models"][0].as_py(), rows["fingerprint"][0].as_py())

    def result(self) -> NightNumbers:
        """Returns the sums of the rows that were read."""
        spreads = {task: sums.result() for task, sums in self._ratings.items()}
        return NightNumbers(
            run_date=self.folder.run_date,
            models=self._of[0],
            fingerprint=self._of[1],
            planned=self._counts.total(),
            ok=self._counts["ok"],
            failed=self._counts["failed"],
            failures=dict(sorted(self._failures.items())),
            pixels=self._pixels.shares(self.vocabulary),
            ratings={task: spread for task, spread in spreads.items() if spread.count},
        )


def floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Returns float64 with NaN where the table has no value."""
    return pc.fill_null(pc.cast(column, pa.float64()), np.nan).to_numpy()
