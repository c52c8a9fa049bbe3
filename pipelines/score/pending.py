"""Which listed photos a night has still to score."""

import statistics
from collections.abc import Sequence

import pyarrow as pa

from pipelines.faults import UsageError
from pipelines.score import parts
from pipelines.score.items import IDENTITY, keep, leave_out
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.rows import SCORES_SCHEMA
from pipelines.score.sequence import read_all, read_identities

_RETRY_NIGHTS = 3
_USUAL_NIGHTS = 3
_PLAIN_NIGHT = 200  # photos; a plan below it is never suspiciously large


def count_unplanned(night: PlannedNight, photos: pa.Table) -> tuple[int, int]:
    """Returns how many photos are not in a plan: held by others, and by none."""
    out, plan = night.out, night.plan
    others = [
        other
        for other in read_all(out)
        if other.fingerprint == plan.fingerprint and other.sequence != plan.sequence
    ]
    unplanned = leave_out(photos, read_identities(out, [plan]))
    waiting = leave_out(unplanned, read_identities(out, others)).num_rows
    return unplanned.num_rows - waiting, waiting


def pending_photos(
    out: str, photos: pa.Table, *, earlier: Sequence[Plan], fingerprint: str
) -> pa.Table:
    """Returns the photos that no plan of this fingerprint holds, save for retries."""
    same = [plan for plan in earlier if plan.fingerprint == fingerprint]
    new = leave_out(photos, read_identities(out, same))
    retries = keep(photos, _retryable(out, same))
    if retries.num_rows == 0:
        return new
    return pa.concat_tables([new, retries]).sort_by("image_uri")


def _retryable(out: str, same: Sequence[Plan]) -> pa.Table:
    """Returns photos that failed for a reason that may pass, a few nights long."""
    failed = [parts.transient_failures(PlannedNight(out, plan)) for plan in same]
    empty = SCORES_SCHEMA.empty_table().select(IDENTITY)
    failures = pa.concat_tables([empty, *failed])
    if failures.num_rows == 0:
        return empty
    tried = _count(keep(read_identities(out, same), failures))
    # Every try failed so far; a try that went well, or is under way, ends the retries.
    kept = [
        photo
        for photo, count in _count(failures).items()
        if count == tried[photo] <= _RETRY_NIGHTS
    ]
    return pa.table(
        [list(column) for column in zip(*kept, strict=True)] or [[], []],
        schema=empty.schema,
    )


def _count(photos: pa.Table) -> dict[tuple[str, str], int]:
    """Returns how often each (image_uri, version) is there."""
    counts = photos.group_by(IDENTITY).aggregate([([], "count_all")]).to_pylist()
    return {(row["image_uri"], row["version"]): row["count_all"] for row in counts}


def check_rescoring(
    out: str, pending: pa.Table, *, earlier: Sequence[Plan], fingerprint: str
) -> None:
    """Refuses to score a whole archive again by mistake.

    Raises:
        UsageError: It needs `--rescore`, and why.
    """
    others = [plan for plan in earlier if plan.fingerprint != fingerprint]
    again = keep(pending, read_identities(out, others)).num_rows
    if again:
        raise UsageError(
            f"{again} photos would be scored again: the models, the arithmetic or the "
            "sizes are not those of earlier nights; pass --rescore if that is meant"
        )
    usual = [plan.planned for plan in earlier if plan.kind == "score" and plan.planned]
    if len(usual) >= _USUAL_NIGHTS:
        limit = max(3 * statistics.median(usual), _PLAIN_NIGHT)
        if pending.num_rows > limit:
            raise UsageError(
                f"got {pending.num_rows} new photos, expected at most {limit:.0f}, "
                "three times the usual night; pass --rescore if that is meant"
            )
