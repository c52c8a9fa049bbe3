"""What the parts of an evaluation add up to: rows, pixels by class, ratings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.ratings import RatingRows
from pipelines.chunks.counts import Counts
from pipelines.evaluate.plan import EvaluatePlan, Evaluation
from pipelines.evaluate.rows import PHOTOS_SCHEMA, PhotoRow

_CONFUSION: Final = b"fcn.confusion"


def write_part(
    evaluation: Evaluation,
    chunk: int,
    *,
    rows: Sequence[PhotoRow],
    confusion: ConfusionMatrix,
) -> None:
    """Makes a chunk visible, unless an earlier attempt did."""
    failed = sum(row.status == "failed" for row in rows)
    evaluation.parts.create(
        chunk,
        [vars(row) for row in rows],
        counts=Counts(ok=len(rows) - failed, failed=failed),
        footer={_CONFUSION: confusion.counts.astype("<i8").tobytes()},
    )


@dataclass(frozen=True)
class Totals:
    """What the parts of an evaluation add up to.

    Attributes:
        photos: All rows.
        measured: Those with a result.
        failures: Number of the others for each reason.
        confusion: Pixels by true and predicted class.
    """

    photos: pa.Table
    measured: pa.Table
    failures: dict[str, int]
    confusion: ConfusionMatrix

    @property
    def ok(self) -> int:
        """Number of rows with a result."""
        return self.measured.num_rows

    @property
    def failed(self) -> int:
        """Number of rows without a result."""
        return self.photos.num_rows - self.ok


def add_up(evaluation: Evaluation) -> Totals:
    """Reads all parts.

    Raises:
        SystemicFault: One is missing or damaged.
    """
    plan = evaluation.plan
    tables = [PHOTOS_SCHEMA.empty_table()]
    confusion = ConfusionMatrix.zero(len(plan.class_names))
    for chunk in range(len(plan.chunks)):
        part = evaluation.parts.committed(chunk)
        tables.append(part.rows.replace_schema_metadata(None))
        confusion += _confusion_of(plan, part.footer[_CONFUSION])
    photos = pa.concat_tables(tables)
    measured = photos.filter(pc.equal(photos["status"], "ok"))
    reasons = photos["error_reason"].drop_null().to_pylist()
    return Totals(photos, measured, dict(sorted(Counter(reasons).items())), confusion)


def _confusion_of(plan: EvaluatePlan, data: bytes) -> ConfusionMatrix:
    classes = len(plan.class_names)
    counts = np.frombuffer(data, "<i8")
    return ConfusionMatrix(counts.reshape(classes, classes).astype(np.int64))


def ratings_of(plan: EvaluatePlan, ok: pa.Table) -> RatingRows:
    """Returns the rows of photos with a result beside their targets."""
    empty = [float("nan")] * len(plan.bins)
    targets = [shares or empty for shares in ok["target"].to_pylist()]
    named = {name: ok[name].to_numpy() for name in RatingRows.zero(plan.bins).named}
    return RatingRows.from_named(plan.bins, named, targets)
