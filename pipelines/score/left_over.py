"""What plans left behind that count for nothing: of discards, and of lost drafts."""

from collections.abc import Iterator, Sequence

from pipelines import files
from pipelines.score.commit import Discard
from pipelines.score.layout import NightFolder, PlanFolder, nights_of
from pipelines.score.plan import Plan, PlannedNight


def unused_folders(out: str, chain: Sequence[Plan]) -> Iterator[PlanFolder]:
    """Yields the folders of discarded plans, and of drafts whose number is taken.

    A draft after the last plan may be of a launch that is about to freeze it.
    """
    plans = {(plan.run_date, plan.sequence): plan for plan in chain}
    nights = {night for room in ("_runs", "masks") for night in nights_of(out, room)}
    for night in sorted(nights, key=lambda night: night.run_date):
        for number in _numbers(night):
            folder = PlanFolder(out, night.run_date, number)
            plan = plans.get((night.run_date, number))
            if number <= len(chain) and _is_unused(folder, plan):
                yield folder


def _numbers(night: NightFolder) -> list[int]:
    """Returns the plans of which a night has files or masks."""
    names = files.list_names(night.all_masks)
    return sorted({*night.sequences(), *(int(n) for n in names if n.isdecimal())})


def _is_unused(folder: PlanFolder, plan: Plan | None) -> bool:
    if plan is None:
        return not files.exists(folder.commit)
    return isinstance(PlannedNight(folder.out, plan).outcome(), Discard)
