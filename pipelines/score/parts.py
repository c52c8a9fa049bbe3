"""What the parts of a night add up to, and which of its photos failed.

A part holds the rows of one chunk; `publish` merges the parts into the table that
readers see.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from fcn_core.bad_image import TRANSIENT_REASONS
from pipelines.chunks.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.score.commit import read_commit
from pipelines.score.items import IDENTITY, items_sha256
from pipelines.score.plan import PlannedNight
from pipelines.score.rows import SCORES_SCHEMA, ScoreRow

_ITEMS: Final = b"fcn.items_sha256"


def write_part(
    night: PlannedNight, chunk: int, *, items: pa.Table, rows: Sequence[ScoreRow]
) -> bool:
    """Makes a chunk visible; returns whether no earlier attempt did.

    Args:
        night: The night.
        chunk: The chunk's number.
        items: The chunk's planned items.
        rows: One row per item, in the items' order.

    Raises:
        SystemicFault: The rows are not one per item.
    """
    if [row.image_key for row in rows] != items["image_key"].to_pylist():
        raise SystemicFault(
            f"chunk {chunk}: got {len(rows)} rows, expected one for each of its "
            f"{items.num_rows} items in their order; this is a fault of the program"
        )
    failed = sum(row.status == "failed" for row in rows)
    return night.parts.create(
        chunk,
        [vars(row) for row in rows],
        counts=Counts(ok=len(rows) - failed, failed=failed),
        footer=_footer(items),
    )


def find_counts(night: PlannedNight, chunk: int, *, items: pa.Table) -> Counts | None:
    """Returns the outcomes of a chunk's planned items; None where it is not committed.

    Raises:
        SystemicFault: The part is damaged or belongs to something else.
    """
    planned, expected = items.num_rows, _footer(items)
    part = night.parts.find(chunk, planned=planned, expected=expected)
    return None if part is None else part.counts


def _footer(items: pa.Table) -> dict[bytes, bytes]:
    return {_ITEMS: items_sha256(items).encode()}


@dataclass(frozen=True)
class Totals:
    """What the committed parts of a night add up to.

    Attributes:
        ok: Photos with a result.
        failed: Photos with a reason.
        failures: Number of photos for each reason.
        transient: Failed photos whose reason may pass, which later nights retry.
    """

    ok: int
    failed: int
    failures: dict[str, int]
    transient: int


def add_up(night: PlannedNight) -> Totals:
    """Counts the rows of all parts.

    Raises:
        SystemicFault: A part is missing or damaged.
    """
    ok, reasons = 0, Counter[str]()
    for chunk in range(night.plan.chunks):
        rows = night.parts.committed(chunk, columns=["status", "error_reason"]).rows
        ok += pc.sum(pc.equal(rows["status"], "ok")).as_py() or 0
        failed = rows.filter(pc.equal(rows["status"], "failed"))
        reasons.update(failed["error_reason"].to_pylist())
    transient = sum(reasons[reason] for reason in TRANSIENT_REASONS)
    return Totals(ok, reasons.total(), dict(sorted(reasons.items())), transient)


def failed_rows(night: PlannedNight) -> pa.Table:
    """Returns the rows of a committed night that have no result."""
    tables = [
        rows.filter(pc.equal(rows["status"], "failed")).replace_schema_metadata(None)
        for rows in (
            night.parts.committed(chunk).rows for chunk in range(night.plan.chunks)
        )
    ]
    empty = SCORES_SCHEMA.empty_table().replace_schema_metadata(None)
    return pa.concat_tables([empty, *tables])


def transient_failures(night: PlannedNight) -> pa.Table:
    """Returns (image_uri, version) of a committed night's failures that may pass."""
    commit = read_commit(night.folder)
    if commit is None or commit.transient == 0:
        return SCORES_SCHEMA.empty_table().select(IDENTITY)
    failed = failed_rows(night)
    may_pass = pc.is_in(failed["error_reason"], pa.array(sorted(TRANSIENT_REASONS)))
    return failed.filter(may_pass).select(IDENTITY)
