"""Which listed photos a night has still to score: sets of keys, a bucket at a time."""

import itertools
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.faults import UsageError
from pipelines.score import parts
from pipelines.score.keys import Keys, contains, counts
from pipelines.score.photos import Chosen, Marks, Photos
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.sequence import read_all
from pipelines.score.spill import Buckets, bits_for

_RETRY_NIGHTS: Final = 3
_USUAL_NIGHTS: Final = 3
_PLAIN_NIGHT: Final = 200  # photos; a plan below it is never suspiciously large

_BLOCK: Final = 1 << 20  # photos

_HELD: Final = 1
_RETRIED: Final = 2


@dataclass(frozen=True)
class Pending:
    """What a night would take of the listed photos.

    Attributes:
        items: The photos that it takes.
        skipped: How many others earlier nights hold.
        waiting: How many others no night holds.
    """

    items: Chosen
    skipped: int
    waiting: int


def count_unplanned(
    night: PlannedNight, photos: Photos, *, noted: Iterable[Keys] = ()
) -> tuple[int, int]:
    """Returns how many photos are not in a plan: held by others, and by none.

    Args:
        night: Of the plan.
        photos: The listed photos.
        noted: Keys of photos that count as held.
    """
    out, plan = night.out, night.plan
    others = [
        other
        for other in read_all(out)
        if other.fingerprint == plan.fingerprint and other.sequence != plan.sequence
    ]
    is_planned = is_held(out, photos, [plan])
    is_skipped = is_held(out, photos, others, noted=noted)
    is_skipped &= ~is_planned
    skipped = int(np.count_nonzero(is_skipped))
    return skipped, photos.num_rows - int(np.count_nonzero(is_planned)) - skipped


def is_held(
    out: str, photos: Photos, plans: Sequence[Plan], *, noted: Iterable[Keys] = ()
) -> NDArray[np.bool_]:
    """Returns for each photo whether one of some plans holds it, or it is noted."""
    more = [keys for keys in noted if keys.size]
    if not more and not any(plan.planned for plan in plans):
        return np.zeros(photos.num_rows, np.bool_)
    bits = _bits(photos, plans)
    known = Buckets.of(itertools.chain(_held_keys(out, plans), more), bits)

    def decide(number: int, keys: Keys) -> Marks:
        return contains(np.sort(known.read(number)), keys).view(np.uint8)

    return photos.mark(bits, decide).view(np.bool_)


def find_pending(
    out: str,
    photos: Photos,
    *,
    earlier: Sequence[Plan],
    fingerprint: str,
    limit: int | None = None,
    noted: Iterable[Keys] = (),
    narrow: Callable[[Chosen], Chosen] | None = None,
) -> Pending:
    """Returns the photos that no plan of this fingerprint holds, save for retries.

    Args:
        out: The output.
        photos: The listed photos.
        earlier: All plans that stand.
        fingerprint: The arithmetic and the models of the night.
        limit: Photos that it takes at most.
        noted: Keys of photos that count as held.
        narrow: Leaves out photos that are held for another reason.
    """
    same = [plan for plan in earlier if plan.fingerprint == fingerprint]
    marks = _mark(out, photos, same, noted=noted)
    is_new = marks != _HELD  # a retry is marked as held, too
    if narrow is not None:
        left = narrow(Chosen(photos, is_new)).is_chosen
        marks[is_new & ~left] |= _HELD
        is_new = left
    if limit is not None:
        _keep_first(is_new, limit)
    is_skipped = (marks & _HELD).view(np.bool_)
    is_skipped &= ~is_new
    items, skipped = Chosen(photos, is_new), int(np.count_nonzero(is_skipped))
    return Pending(items, skipped, photos.num_rows - items.num_rows - skipped)


def _keep_first(is_new: NDArray[np.bool_], left: int) -> None:
    """Leaves so many photos marked, the first."""
    for start in range(0, is_new.size, _BLOCK):
        block = is_new[start : start + _BLOCK]
        block[np.flatnonzero(block)[left:]] = False
        left -= int(np.count_nonzero(block))


def _mark(
    out: str, photos: Photos, same: Sequence[Plan], *, noted: Iterable[Keys]
) -> Marks:
    """Returns which photos some plans hold, and which of them are tried again."""
    bits = _bits(photos, same)
    known = Buckets.of(itertools.chain(_held_keys(out, same), noted), bits)
    failed = Buckets.of(_retry_keys(out, same), bits)

    def decide(number: int, keys: Keys) -> Marks:
        held = np.sort(known.read(number))
        marks = contains(held, keys).astype(np.uint8) * np.uint8(_HELD)
        retried = _retryable(held, failed.read(number))
        if retried.size:
            marks[contains(retried, keys)] |= _RETRIED
        return marks

    return photos.mark(bits, decide)


def _retryable(held: Keys, failed: Keys) -> Keys:
    """Returns photos that failed for a reason that may pass, a few nights long.

    Args:
        held: Keys of all plans, sorted; one that is in two plans is there twice.
        failed: Keys of all such failures.
    """
    found, failures = np.unique(failed, return_counts=True)
    tried = counts(held, found)
    # Every try failed so far; a try that went well, or is under way, ends the retries.
    return found[(failures == tried) & (tried <= _RETRY_NIGHTS)]


def check_rescoring(
    out: str,
    pending: Pending,
    *,
    earlier: Sequence[Plan],
    fingerprint: str,
    any_size: bool = False,
) -> None:
    """Refuses to score a whole archive again by mistake.

    Args:
        out: The output.
        pending: What a night would take.
        earlier: All plans that stand.
        fingerprint: Of the night.
        any_size: Whether a gate of its own judges how large the night is.

    Raises:
        UsageError: It needs `--rescore`, and why.
    """
    items = pending.items
    others = [plan for plan in earlier if plan.fingerprint != fingerprint]
    again = 0
    if items.num_rows:
        is_again = is_held(out, items.photos, others)
        again = int(np.count_nonzero(is_again & items.is_chosen))
    if again:
        raise UsageError(
            f"{again} photos would be scored again: the models, the arithmetic or the "
            "sizes are not those of earlier nights; pass --rescore if that is meant"
        )
    if any_size:
        return
    usual = [plan.planned for plan in earlier if plan.kind == "score" and plan.planned]
    if len(usual) >= _USUAL_NIGHTS:
        limit = max(3 * statistics.median(usual), _PLAIN_NIGHT)
        if items.num_rows > limit:
            raise UsageError(
                f"got {items.num_rows} new photos, expected at most {limit:.0f}, "
                "three times the usual night; pass --rescore if that is meant"
            )


def _bits(photos: Photos, plans: Sequence[Plan]) -> int:
    return bits_for(max(photos.num_rows, sum(plan.planned for plan in plans)))


def _held_keys(out: str, plans: Sequence[Plan]) -> Iterator[Keys]:
    for plan in plans:
        yield from PlannedNight(out, plan).keys()


def _retry_keys(out: str, plans: Sequence[Plan]) -> Iterator[Keys]:
    for plan in plans:
        yield from parts.transient_failures(PlannedNight(out, plan))
