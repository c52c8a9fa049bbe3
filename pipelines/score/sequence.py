"""The plans of an output: a sequence of files that are created once.

`_runs/plans/00000001.json` and so on: who loses a number reads again and decides again.
Each plan names the one before by its hash, and what a plan left behind must have its
plan: a file that vanished is a fault, never a reason to score everything again.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Final

from pipelines import files
from pipelines.chunks import frozen
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import drafts
from pipelines.score.commit import Discard
from pipelines.score.drafts import Written
from pipelines.score.layout import (
    NightFolder,
    PlanFolder,
    nights_of,
    plan_uri,
    plans_folder,
)
from pipelines.score.plan import Draft, Plan, PlannedNight, ScoreSettings

_RESTORE: Final = "restore it from a copy before anything is scored into this output"


def read_all(out: str) -> list[Plan]:
    """Returns the plans of an output that are not discarded, in their sequence.

    Raises:
        SystemicFault: A plan is damaged or missing.
        UsageError: The output is of another version of this program.
    """
    return read_both(out)[1]


def read_both(out: str) -> tuple[list[Plan], list[Plan]]:
    """Returns all plans of an output, and those that are not discarded.

    Raises:
        SystemicFault: A plan is damaged or missing.
        UsageError: The output is of another version of this program.
    """
    tables = nights_of(out, "scores")  # first: each had its plan before
    chain = read_chain(out)
    return chain, _standing(out, chain, tables)


def read_chain(out: str) -> list[Plan]:
    """Returns all plans of an output in their sequence, discarded ones included.

    Raises:
        SystemicFault: A plan is damaged or missing, also the last one.
        UsageError: The output is of another version of this program.
    """
    # Before the plans: what lies there now had its plan first.
    traces = [
        PlanFolder(out, night.run_date, sequence)
        for night in nights_of(out, "_runs")
        for sequence in night.sequences()
    ]
    plans: list[Plan] = []
    for number in range(1, _last_sequence(out) + 1):
        plans.append(_read(out, number, previous=plans[-1].plan_id if plans else ""))
    named = {(plan.run_date, plan.sequence) for plan in plans}
    for folder in traces:
        if (folder.run_date, folder.sequence) not in named:
            _check_draft(folder)
    return plans


def _last_sequence(out: str) -> int:
    names = files.list_names(plans_folder(out))
    numbers = [int(name[:8]) for name in names if re.fullmatch(r"\d{8}\.json", name)]
    return max(numbers, default=0)


def _read(out: str, sequence: int, *, previous: str) -> Plan:
    uri = plan_uri(out, sequence)
    try:
        # A listing beside a creation may leave a name out: read the file itself.
        plan = frozen.read(uri, Plan, cure=_RESTORE)
    except SystemicFault:
        _check_version(uri)
        raise
    if plan is None:
        raise SystemicFault(
            f"{uri}: got no plan, expected number {sequence} of a sequence that goes "
            f"on after it; {_RESTORE}"
        )
    if plan.sequence != sequence:
        raise frozen.damaged(uri, Plan, cure=_RESTORE)
    if plan.previous != previous:
        raise SystemicFault(
            f"{uri}: got a plan that follows {plan.previous[:16] or 'none'}, expected "
            f"one that follows {previous[:16] or 'none'}; restore the plans of this "
            "output from one copy"
        )
    return plan


def _check_version(uri: str) -> None:
    """Tells an output of an earlier version from a damaged one.

    Raises:
        UsageError: It is of an earlier version.
    """
    try:
        content = json.loads(files.read_bytes(uri))
        version = content["schema_version"]
    except (ValueError, TypeError, KeyError):
        return
    if version in (1, 2, 3):
        raise UsageError(
            f"{uri}: got a plan of schema version {version}, expected version 4; "
            "finish and read this output with the version of fcn that began it, and "
            "choose another --output"
        )


def _check_draft(folder: PlanFolder) -> None:
    """Checks that a folder without a plan is what a killed launch left of its draft.

    Raises:
        SystemicFault: A plan was followed, and is gone.
    """
    uri = plan_uri(folder.out, folder.sequence)
    followed = files.list_names(folder.parts) or files.exists(folder.commit)
    if followed and not _names(uri, folder.run_date):
        raise SystemicFault(
            f"{uri}: got no plan of run_date={folder.run_date}, expected the one whose "
            f"results are in {folder.run}; {_RESTORE}"
        )


def _names(uri: str, run_date: str) -> bool:
    """Whether a plan is one of a night, created since the plans were read."""
    plan = _read_any(uri)
    return plan is not None and plan.run_date == run_date


def _read_any(uri: str) -> Plan | None:
    return frozen.read(uri, Plan, cure=_RESTORE)


def _standing(
    out: str, plans: Sequence[Plan], tables: Sequence[NightFolder]
) -> list[Plan]:
    """Returns the plans that are not discarded; each of `tables` must have one.

    Args:
        out: The output.
        plans: All plans.
        tables: Nights that had a table before the plans were read.
    """
    nights = [PlannedNight(out, plan) for plan in plans]
    standing = [
        night.plan for night in nights if not isinstance(night.outcome(), Discard)
    ]
    dates = {plan.run_date for plan in standing}
    for night in tables:
        if night.run_date not in dates and night.is_shown():
            raise SystemicFault(
                f"{night.scores}: got a table, expected a plan of "
                f"run_date={night.run_date} in {plans_folder(out)}; {_RESTORE}"
            )
    return standing


def find(plans: Sequence[Plan], run_date: str) -> Plan | None:
    """Returns the plan of a night."""
    return next((plan for plan in plans if plan.run_date == run_date), None)


def freeze(
    night: NightFolder,
    draft: Callable[[Sequence[Plan]], Draft],
    *,
    durable: bool = True,
) -> tuple[Plan, bool]:
    """Returns the night's plan: the one that is there, or a new one.

    Args:
        night: The night.
        draft: Decides what to do, given all plans so far; asked again if another
            launch was faster.
        durable: Whether the plan is on the disk when the call returns.

    Returns:
        The plan, and whether this call made it.
    """
    written: list[Written] = []
    while True:
        # The number after these plans: who takes it has seen all plans before it.
        chain, plans = read_both(night.out)
        if (existing := find(plans, night.run_date)) is not None:
            drafts.remove(night.out, written, standing=existing, cure=_RESTORE)
            return existing, False
        for plan in plans:
            check_commit(PlannedNight(night.out, plan))
        previous = chain[-1].plan_id if chain else ""
        folder = PlanFolder(night.out, night.run_date, len(chain) + 1)
        uri, decided = plan_uri(night.out, folder.sequence), draft(plans)
        try:
            plan = drafts.write(folder, decided, previous=previous, durable=durable)
        except FileNotFoundError:
            # Another launch of this night lost the number, too, and swept our folder.
            if not files.exists(uri):
                raise
            written.append((folder, ()))
            continue
        written.append((folder, plan.files))
        if files.create_once(uri, plan.encode(), durable=durable):
            drafts.remove(night.out, written, standing=plan, cure=_RESTORE)
            return plan, True


def check_commit(night: PlannedNight) -> None:
    """Checks that a night whose table is there is committed.

    Raises:
        SystemicFault: It is not: its commit is gone.
    """
    if night.folder.is_shown() and night.outcome() is None:
        raise SystemicFault(
            f"{night.folder.commit}: got nothing there, expected the commit of the "
            f"table in {night.folder.scores}; {night.cure}"
        )


def check_same_settings(plan: Plan, settings: ScoreSettings) -> None:
    """Refuses to go on with a night under other settings.

    Raises:
        UsageError: Names the first difference.
    """
    planned, asked = (
        each.model_dump(mode="json") for each in (plan.settings, settings)
    )
    for content in (planned, asked):  # last: another precision says more
        content["model_fingerprints"] = content.pop("model_fingerprints")
    frozen.check_same(
        planned,
        asked,
        cure=f"as in the plan of run_date={plan.run_date}; repeat it, or choose "
        "another --run_date or --output",
    )
