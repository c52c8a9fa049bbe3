"""The rows of a night, as the parts of its chunks hold them, and its commit.

A part holds the rows of one chunk and is created once; parts are the ledger of what is
done. `publish` merges them into the table that readers see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fcn_core.bad_image import TRANSIENT_REASONS
from pipelines import files
from pipelines.chunks import parts
from pipelines.chunks.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.score.commit import read_commit
from pipelines.score.items import items_sha256
from pipelines.score.layout import part_uri
from pipelines.score.plan import Plan
from pipelines.score.rows import SCORES_SCHEMA, Row


def write_part(
    out: str, plan: Plan, chunk: int, *, items: pa.Table, rows: Sequence[Row]
) -> bool:
    """Makes a chunk visible, if nobody did before.

    Args:
        out: The output.
        plan: The night's plan.
        chunk: The chunk's number.
        items: The chunk's planned items.
        rows: One row per item, in the items' order.

    Returns:
        Whether it was this call.

    Raises:
        SystemicFault: the rows are not one per item.
    """
    keys = [row["image_key"] for row in rows]
    if keys != items["image_key"].to_pylist():
        raise SystemicFault(
            f"chunk {chunk}: got {len(rows)} rows, expected one for each of its "
            f"{items.num_rows} items in their order; this is a fault of the program"
        )
    part = parts.encode(
        rows,
        SCORES_SCHEMA,
        plan_id=plan.plan_id,
        said={b"fcn.items_sha256": items_sha256(items).encode()},
    )
    return files.create_once(part_uri(out, plan.run_date, chunk), part)


def read_part_counts(
    out: str, plan: Plan, chunk: int, *, items: pa.Table | None = None
) -> Counts | None:
    """Returns what a chunk's part says became of its items; None without a part.

    Args:
        out: The output.
        plan: The night's plan.
        chunk: The chunk's number.
        items: The chunk's planned items, to compare with; None compares the plan only.

    Raises:
        SystemicFault: the part is damaged or belongs to something else.
    """
    uri = part_uri(out, plan.run_date, chunk)
    try:
        footer = pq.read_metadata(files.to_path(uri))
        schema = footer.schema.to_arrow_schema()
        said = schema.metadata or {}
        if said.get(b"fcn.plan_id") != plan.plan_id.encode():
            raise SystemicFault(_damaged(uri, "a part of another plan"))
        if (
            items is not None
            and said[b"fcn.items_sha256"] != items_sha256(items).encode()
        ):
            raise SystemicFault(_damaged(uri, "a part with other items"))
        counts = parts.counts_of(said)
    except FileNotFoundError:
        return None
    except parts.UNREADABLE as error:
        raise SystemicFault(_damaged(uri, "a file that is no whole part")) from error
    if counts.ok + counts.failed != footer.num_rows or not schema.equals(SCORES_SCHEMA):
        raise SystemicFault(_damaged(uri, "other rows or columns"))
    return counts


def _damaged(uri: str, got: str) -> str:
    return (
        f"{uri}: got {got}, expected the part of this plan; move it away, and the same "
        "command computes it again"
    )


def read_part(
    out: str, plan: Plan, chunk: int, *, columns: list[str] | None = None
) -> pa.Table:
    """Returns the rows of a committed chunk, all columns or some.

    Raises:
        SystemicFault: the part is missing or damaged.
    """
    uri = part_uri(out, plan.run_date, chunk)
    try:
        table = parts.read(uri, columns=columns)
    except parts.UNREADABLE as error:
        raise SystemicFault(_damaged(uri, "no readable file")) from error
    if table.column_names != (columns or SCORES_SCHEMA.names):
        raise SystemicFault(_damaged(uri, "other columns"))
    return table


@dataclass(frozen=True)
class Totals:
    """What the committed parts of a night add up to.

    Attributes:
        ok: Images with a result.
        failed: Images with a reason.
        failures: Number of images for each reason.
        transient: Failed images whose reason may pass, which later nights retry.
    """

    ok: int
    failed: int
    failures: dict[str, int]
    transient: int


def total(out: str, plan: Plan) -> Totals:
    """Counts the rows of all parts.

    Raises:
        SystemicFault: planned = ok + failed does not hold.
    """
    ok = failed = 0
    failures: dict[str, int] = {}
    for chunk in range(plan.chunks):
        table = read_part(out, plan, chunk, columns=["status", "error_reason"])
        ok += pc.sum(pc.equal(table["status"], "ok")).as_py() or 0
        reasons = table.filter(pc.equal(table["status"], "failed"))["error_reason"]
        failed += len(reasons)
        for reason in reasons.to_pylist():
            failures[reason] = failures.get(reason, 0) + 1
    if ok + failed != plan.planned:
        raise SystemicFault(
            f"run_date={plan.run_date}: got {ok} ok + {failed} failed rows, expected "
            f"{plan.planned} as planned; nothing is published"
        )
    transient = sum(n for reason, n in failures.items() if reason in TRANSIENT_REASONS)
    return Totals(ok, failed, dict(sorted(failures.items())), transient)


def failed_rows(out: str, plan: Plan) -> pa.Table:
    """Returns the rows of a committed night that have no result."""
    tables = [
        part.filter(pc.equal(part["status"], "failed"))
        for part in (read_part(out, plan, chunk) for chunk in range(plan.chunks))
    ]
    return pa.concat_tables([SCORES_SCHEMA.empty_table(), *tables])


def transient_failures(out: str, plan: Plan) -> pa.Table:
    """Returns (image_uri, version) of a committed night's failures that may pass."""
    columns = ["image_uri", "version"]
    commit = read_commit(out, plan.run_date)
    if commit is None or commit["transient"] == 0:
        return SCORES_SCHEMA.empty_table().select(columns)
    failed = failed_rows(out, plan)
    may_pass = pc.is_in(failed["error_reason"], pa.array(sorted(TRANSIENT_REASONS)))
    return failed.filter(may_pass).select(columns)
