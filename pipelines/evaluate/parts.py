"""The parts of an evaluation: the rows of a chunk and its pixels by class, once."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.ratings import RatingRows
from pipelines import files
from pipelines.chunks import parts
from pipelines.chunks.counts import Counts
from pipelines.evaluate.plan import EvaluatePlan, Evaluation
from pipelines.faults import SystemicFault

Row = dict[str, Any]

PHOTOS_SCHEMA: Final = pa.schema(
    [
        pa.field("shard", pa.string(), nullable=False),
        pa.field("record", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("error_stage", pa.string()),
        pa.field("error_reason", pa.string()),
        pa.field("error_detail", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("filename", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("iou", pa.float64()),
        pa.field("pixel_accuracy", pa.float64()),
        pa.field("predicted_mean", pa.float64()),
        pa.field("predicted_std", pa.float64()),
        pa.field("target_mean", pa.float64()),
        pa.field("target_std", pa.float64()),
        pa.field("emd_r1", pa.float64()),
        pa.field("emd_r2", pa.float64()),
        pa.field("target", pa.list_(pa.float64())),
    ]
)
"""One row a planned record, ok or failed; `iou` is the photo's own mean IoU."""


def part_uri(evaluation: Evaluation, chunk: int) -> str:
    """Returns the name of a chunk's part."""
    return files.join(evaluation.work, "parts", f"chunk-{chunk:08}.parquet")


def write_part(
    evaluation: Evaluation,
    chunk: int,
    *,
    rows: Sequence[Row],
    confusion: ConfusionMatrix,
) -> None:
    """Makes a chunk visible, if nobody did before."""
    part = parts.encode(
        rows,
        PHOTOS_SCHEMA,
        plan_id=evaluation.plan.plan_id,
        said={b"fcn.confusion": confusion.counts.astype("<i8").tobytes()},
    )
    files.create_once(part_uri(evaluation, chunk), part)


def read_counts(evaluation: Evaluation, chunk: int) -> Counts | None:
    """Returns what became of a chunk's records; None where it is not committed.

    Raises:
        SystemicFault: the part is damaged or of another plan.
    """
    if not files.exists(part_uri(evaluation, chunk)):
        return None
    return parts.counts_of(read_part(evaluation, chunk).schema.metadata)


def read_part(evaluation: Evaluation, chunk: int) -> pa.Table:
    """Returns the rows of a committed chunk.

    Raises:
        SystemicFault: the part is missing, damaged or of another plan.
    """
    uri, plan = part_uri(evaluation, chunk), evaluation.plan
    try:
        table = parts.read(uri)
        said = table.schema.metadata or {}
        whole = (
            table.schema.equals(PHOTOS_SCHEMA)
            and said[b"fcn.plan_id"].decode() == plan.plan_id
            and table.num_rows == plan.chunks[chunk].records
        )
    except parts.UNREADABLE:
        whole = False
    if not whole:
        raise SystemicFault(
            f"{uri}: got no whole part of this plan, expected what this program wrote; "
            "remove it, and the same command makes it again"
        )
    return table


def confusion_of(plan: EvaluatePlan, part: pa.Table) -> ConfusionMatrix:
    """Returns the pixels of a chunk by true and predicted class."""
    classes = len(plan.class_names)
    counts = np.frombuffer(part.schema.metadata[b"fcn.confusion"], "<i8")
    return ConfusionMatrix(counts.reshape(classes, classes).astype(np.int64))


def ratings_of(plan: EvaluatePlan, ok: pa.Table) -> RatingRows:
    """Returns the rows of photos with a result beside their targets."""
    empty = [float("nan")] * len(plan.bins)
    targets = [shares or empty for shares in ok["target"].to_pylist()]
    named = {name: ok[name].to_numpy() for name in RatingRows.zero(plan.bins).named}
    return RatingRows.from_named(plan.bins, named, targets)
