"""The worst photos of an evaluation, with their pictures."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from fcn_core.labels import Task
from pipelines import files
from pipelines.chunks.columns import encode_table
from pipelines.evaluate import records
from pipelines.evaluate.plan import Evaluation
from pipelines.evaluate.rows import WORST_SCHEMA
from pipelines.lanes.pool import Answering

WORST: Final = 20
"""Photos on the page."""

Row = dict[str, Any]  # of WORST_SCHEMA as Arrow gives it, with values of many types


def write_worst(evaluation: Evaluation, ok: pa.Table, pool: Answering) -> None:
    """Scores the worst photos again to get their pictures, and writes them."""
    rows = find_worst(ok, evaluation.plan.task)
    offsets = _offsets(evaluation, rows)
    requests = [
        records.request(
            evaluation,
            (row["shard"], offsets[row["shard"], row["record"]]),
            pictures=True,
        )
        for row in rows
    ]
    for index, answer in pool.answer(enumerate(requests)):
        if answer.bad is None:
            names = ("photo", "label", "mask")
            pictures = [*answer.blobs, None, None]
            rows[index] |= dict(zip(names, pictures, strict=False))
    table = pa.Table.from_pylist(rows, schema=WORST_SCHEMA)
    files.write_atomically(evaluation.files.worst, encode_table(table))


def _offsets(
    evaluation: Evaluation, rows: list[Row]
) -> Mapping[tuple[str, int], int | None]:
    """Returns where records begin, of all chunks that hold some of the rows."""
    wanted = {(row["shard"], row["record"]) for row in rows}
    found: dict[tuple[str, int], int | None] = {}
    for chunk in evaluation.plan.chunks:
        places = [(chunk.shard, chunk.first + n) for n in range(chunk.records)]
        if not wanted.isdisjoint(places):
            found.update(zip(places, records.offsets(evaluation, chunk), strict=True))
    return found


def find_worst(ok: pa.Table, task: Task) -> list[Row]:
    """Returns the rows of the worst photos, the worst first.

    Worst is the lowest IoU of the photo itself, or the largest distance between the
    predicted and the true mean rating.
    """
    if task == "segmentation":
        error = ok["iou"]
    else:
        gap = pc.subtract(ok["predicted_mean"], ok["target_mean"])
        error = pc.negate(pc.abs(gap))
    table = ok.append_column("error", error)
    keys = [(name, "ascending") for name in ("error", "shard", "record")]
    known = table.filter(pc.is_valid(table["error"])).sort_by(keys)
    return known.slice(0, WORST).drop_columns("error").to_pylist()
