"""`fcn prune`: masks that a rule lets go, and what nothing names any more.

Each step can be repeated: a kill between two of them costs nothing, the same command
goes on. Only committed nights are touched; of an open one, which may be running, not a
file. Of a night that is pruned the record comes first, see `score.pruned`.
"""

import datetime
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.housekeeping.mask_files import count_masks, unnamed_masks
from pipelines.housekeeping.removal import Line, Removal, add_up, remove
from pipelines.score import left_over, pruned, sequence
from pipelines.score.commit import Commit
from pipelines.score.layout import plans_folder
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.pruned import Pruned


@dataclass(frozen=True)
class Rule:
    """Which masks may go.

    Attributes:
        masks_after_days: Those of nights that are so many days old.
        today: The day, YYYY-MM-DD.
    """

    masks_after_days: int
    today: str

    def covers(self, night: str) -> bool:
        """Whether the masks of a night (YYYY-MM-DD) may go."""
        age = datetime.date.fromisoformat(self.today) - _day(night)
        return age.days >= self.masks_after_days


def _day(night: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(night[:10])  # a replay's name goes on
    except ValueError as error:
        raise SystemicFault(
            f"run_date={night}: got no date, expected YYYY-MM-DD; prune nights by "
            "their dates only"
        ) from error


def prune(output: str, *, rule: Rule | None, preview: bool) -> list[Line]:
    """Removes what may go; returns what that was, or would be.

    Args:
        output: The output.
        rule: Which masks may go; none if None.
        preview: Remove nothing.

    Raises:
        UsageError: There is no such output.
        SystemicFault: Its plans, commits or records are damaged.
    """
    out = files.to_uri(output)
    chain, standing = sequence.read_both(out)
    if not chain:
        raise UsageError(
            f"{output}: got no night, expected an output of fcn score; check the path"
        )
    nights = [PlannedNight(out, plan) for plan in standing]
    found = _find(out, chain, nights, rule=rule)
    return add_up(_removed(out, found, preview=preview))


def _removed(out: str, found: Iterable[Removal], *, preview: bool) -> Iterator[Removal]:
    """Removes what is found, one after the other, and yields it."""
    for each in found:
        if not preview:
            remove(out, each)
        yield each


def _find(
    out: str,
    chain: Sequence[Plan],
    nights: Sequence[PlannedNight],
    *,
    rule: Rule | None,
) -> Iterator[Removal]:
    outcomes = [(night, night.outcome()) for night in nights]
    committed = [n for n, outcome in outcomes if isinstance(outcome, Commit)]
    running = {n.folder.night for n, outcome in outcomes if outcome is None}
    for night in committed:
        if night.plan.settings.has_masks:
            yield from _masks(night, rule)
    yield from _left_over(out, chain)
    for place in _quiet_places(out, committed, running):
        for uri in files.find_temporaries(place.uri, below=place.below):
            yield Removal(place.run_date, "temporary", uri)


def _masks(night: PlannedNight, rule: Rule | None) -> Iterator[Removal]:
    """Yields the masks of a night that may go: all of them, or those without a row."""
    folder = night.folder
    if pruned.find(folder) is not None:  # an earlier call was killed
        if left := sum(1 for _ in files.walk(folder.masks)):
            yield Removal(folder.run_date, "masks", folder.masks, left)
    elif rule is not None and rule.covers(folder.night):
        yield _all_masks(night, rule)
    else:
        yield from unnamed_masks(night)


def _all_masks(night: PlannedNight, rule: Rule) -> Removal:
    number, size = count_masks(night)
    record = Pruned(
        run_date=night.plan.run_date,
        sequence=night.plan.sequence,
        plan_id=night.plan.plan_id,
        pruned_on=rule.today,
        masks_after_days=rule.masks_after_days,
        masks=number,
        bytes=size,
    ).identified()
    folder = night.folder
    return Removal(folder.run_date, "masks", folder.masks, number, size, record=record)


def _left_over(out: str, chain: Sequence[Plan]) -> Iterator[Removal]:
    """Yields what is left of plans that were discarded and drafts that lost."""
    for folder in left_over.unused_folders(out, chain):
        refusal = [folder.refusal] if files.exists(folder.refusal) else []
        for uri in (*folder.results(), *refusal):
            yield Removal(folder.run_date, "left over", uri)


@dataclass(frozen=True)
class _Place:
    """A folder where no attempt is writing, and whether all below it is quiet, too."""

    run_date: str
    uri: str
    below: bool = True


def _quiet_places(
    out: str, committed: Sequence[PlannedNight], running: Collection[str]
) -> Iterator[_Place]:
    """Yields where temporary files are of killed attempts, as nobody is at work there.

    Args:
        out: The output.
        committed: Its committed nights.
        running: Nights with a plan that is open, perhaps a replay's.
    """
    for night in committed:
        folder = night.folder
        if folder.night not in running:
            for uri in (folder.runs, folder.scores, folder.report, folder.all_masks):
                yield _Place(folder.run_date, uri)
    if not running:
        yield _Place("", plans_folder(out))
        yield _Place("", out, below=False)
