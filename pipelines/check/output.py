"""Checks a whole output: its sequence of plans, each night, and what is left over."""

from collections.abc import Iterator
from typing import Final

from pipelines import files
from pipelines.check.damage import MEND, RESTORE, Damage, Findings, Kind
from pipelines.check.night import NightCheck
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import left_over, sequence
from pipelines.score.layout import OUTPUT_FOLDERS, plans_folder
from pipelines.score.plan import Plan, PlannedNight

_PLANS: Final = "_runs/plans/"
_MOVE: Final = "move it away"


def check(
    output: str, *, run_date: str | None, most_masks: int | None
) -> tuple[Findings, list[PlannedNight]]:
    """Reads all that plans and commits of an output name.

    Args:
        output: The output.
        run_date: One night; all if None.
        most_masks: Masks to read a night; all if None.

    Returns:
        What was found, and the nights that were checked.

    Raises:
        UsageError: There is no such output or night.
    """
    out, found = files.to_uri(output), Findings()
    try:
        chain, standing = sequence.read_both(out)
    except SystemicFault as fault:
        path, _, got = str(fault).partition(": ")
        got, _, cure = got.partition("; ")
        path = path.removeprefix(f"{out}/")
        kind: Kind = "plan" if path.startswith(_PLANS) else "commit"
        found.damages.append(Damage("", kind, path, got, cure=cure or RESTORE))
        return found, []
    found.count("plan", len(chain))
    nights = [PlannedNight(out, plan) for plan in standing]
    if run_date is not None:
        nights = [night for night in nights if night.plan.run_date == run_date]
    if not nights and (run_date is not None or not chain):
        raise UsageError(
            f"{output}: got no night{f' {run_date}' if run_date else ''}, expected "
            "one of fcn score; see fcn status"
        )
    for night in nights:
        found.nights += 1
        NightCheck(night, found, most_masks=most_masks).run()
    if run_date is None:
        found.damages += _left_over(out, chain)
    return found, nights


def _left_over(out: str, chain: list[Plan]) -> Iterator[Damage]:
    """Yields temporary files of killed attempts, and what no plan has any more."""
    places = [(files.join(out, name), True) for name in OUTPUT_FOLDERS]
    for place, below in [(out, False), *places]:
        for uri in files.find_temporaries(place, below=below):
            yield _unused(out, uri, "a temporary file of a killed attempt")
    for folder in left_over.unused_folders(out, chain):
        refusal = [folder.refusal] if files.exists(folder.refusal) else []
        for uri in (*folder.results(), *refusal):
            yield _unused(out, uri, "what a plan left that does not count")
    names = {f"{plan.sequence:08}.json" for plan in chain}
    for name in files.list_names(plans_folder(out)):
        if name not in names:
            uri = files.join(plans_folder(out), name)
            yield _unused(out, uri, "no plan of this program", cure=_MOVE)


def _unused(out: str, uri: str, got: str, *, cure: str = MEND) -> Damage:
    return Damage("", "left over", uri.removeprefix(f"{out}/"), got, cure=cure)
