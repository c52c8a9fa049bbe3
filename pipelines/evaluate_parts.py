"""The parts of an evaluation: the rows of a chunk and its pixels by class, once."""

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fcn_core.metrics import ConfusionMatrix
from fcn_core.rating_metrics import RatingRows
from pipelines import files
from pipelines.counts import Counts
from pipelines.evaluate_plan import EvaluatePlan, Evaluation
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

_UNREADABLE: Final = (pa.ArrowException, OSError, ValueError, KeyError)


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
    failed = sum(row["status"] == "failed" for row in rows)
    table = pa.Table.from_pylist(list(rows), schema=PHOTOS_SCHEMA)
    metadata = {
        b"fcn.plan_id": evaluation.plan.plan_id.encode(),
        b"fcn.ok": str(len(rows) - failed).encode(),
        b"fcn.failed": str(failed).encode(),
        b"fcn.confusion": confusion.counts.astype("<i8").tobytes(),
    }
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        buffer,
        compression="zstd",
        write_page_checksum=True,
    )
    files.create_once(part_uri(evaluation, chunk), buffer.getvalue())


def read_counts(evaluation: Evaluation, chunk: int) -> Counts | None:
    """Returns what became of a chunk's records; None where it is not committed.

    Raises:
        SystemicFault: the part is damaged or of another plan.
    """
    if not files.exists(part_uri(evaluation, chunk)):
        return None
    table = read_part(evaluation, chunk)
    said = table.schema.metadata
    return Counts(ok=int(said[b"fcn.ok"]), failed=int(said[b"fcn.failed"]))


def read_part(evaluation: Evaluation, chunk: int) -> pa.Table:
    """Returns the rows of a committed chunk.

    Raises:
        SystemicFault: the part is missing, damaged or of another plan.
    """
    uri, plan = part_uri(evaluation, chunk), evaluation.plan
    try:
        with pq.ParquetFile(
            files.to_path(uri), page_checksum_verification=True
        ) as file:
            table = file.read()
        said = table.schema.metadata or {}
        whole = (
            table.schema.equals(PHOTOS_SCHEMA)
            and said[b"fcn.plan_id"].decode() == plan.plan_id
            and table.num_rows == plan.chunks[chunk].records
        )
    except _UNREADABLE:
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
