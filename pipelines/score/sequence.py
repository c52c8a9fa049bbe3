"""The plans of an output: a sequence of files that are created once.

`_runs/plans/00000001.json` and so on: who loses a number reads again and decides again.
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

import pyarrow as pa

from pipelines import files
from pipelines.chunks import frozen, pieces
from pipelines.chunks.pieces import CHUNKS_PER_PIECE
from pipelines.faults import SystemicFault
from pipelines.score.items import IDENTITY, ITEMS_SCHEMA, with_keys
from pipelines.score.layout import NightFolder, plan_uri, plans_folder
from pipelines.score.plan import Draft, Plan, PlannedNight, ScoreSettings

_RESTORE: Final = "restore it from a copy before anything is scored into this output"


def read_all(out: str) -> list[Plan]:
    """Returns the plans of an output that are not discarded, in their sequence.

    Raises:
        SystemicFault: A plan is damaged or missing.
    """
    return _read_first(out, _last_sequence(out))


def _last_sequence(out: str) -> int:
    """Returns the number of plans so far, discarded ones included.

    Raises:
        SystemicFault: A plan is missing.
    """
    names = files.list_names(plans_folder(out))
    numbers = {int(name[:8]) for name in names if re.fullmatch(r"\d{8}\.json", name)}
    last = max(numbers, default=0)
    for number in range(1, last + 1):
        # A listing beside a creation may leave a name out: look for it itself.
        if number not in numbers and not files.exists(plan_uri(out, number)):
            raise _missing(out, number, last=last)
    return last


def _missing(out: str, number: int, *, last: int) -> SystemicFault:
    return SystemicFault(
        f"{plan_uri(out, number)}: got no plan, expected number {number} of {last}; "
        f"{_RESTORE}"
    )


def _read_first(out: str, count: int) -> list[Plan]:
    return [
        _read(out, number, last=count)
        for number in range(1, count + 1)
        if not files.exists(plan_uri(out, number, "discarded"))
    ]


def _read(out: str, sequence: int, *, last: int) -> Plan:
    uri = plan_uri(out, sequence)
    plan = frozen.read(uri, Plan, cure=_RESTORE)
    if plan is None:
        raise _missing(out, sequence, last=last)
    if plan.sequence != sequence:
        raise frozen.damaged(uri, Plan, cure=_RESTORE)
    return plan


def find(plans: Sequence[Plan], run_date: str) -> Plan | None:
    """Returns the plan of a night."""
    return next((plan for plan in plans if plan.run_date == run_date), None)


def freeze(
    folder: NightFolder, draft: Callable[[Sequence[Plan]], Draft]
) -> tuple[Plan, bool]:
    """Returns the night's plan: the one that is there, or a new one.

    Args:
        folder: Of the night.
        draft: Decides what to do, given all plans so far; asked again if another
            launch was faster.

    Returns:
        The plan, and whether this call made it.
    """
    written: set[str] = set()
    while True:
        # The number before the plans: who takes it has seen all plans before it.
        last = _last_sequence(folder.out)
        plans = _read_first(folder.out, last)
        if (existing := find(plans, folder.run_date)) is not None:
            _remove_pieces(folder, written.difference(_names(existing)))
            return existing, False
        plan = _write_pieces(folder, draft(plans), sequence=last + 1)
        written.update(_names(plan))
        if files.create_once(plan_uri(folder.out, plan.sequence), plan.encode()):
            _remove_pieces(folder, written.difference(_names(plan)))
            return plan, True


def _names(plan: Plan) -> set[str]:
    return {piece.name for piece in plan.pieces}


def _remove_pieces(folder: NightFolder, names: Collection[str]) -> None:
    """Removes pieces of our drafts that the night's plan, now frozen, does not have.

    Not earlier: another launch may be about to freeze a plan of the same pieces.
    """
    for name in names:
        files.remove(files.join(folder.pieces, name))


def _write_pieces(folder: NightFolder, draft: Draft, *, sequence: int) -> Plan:
    items = with_keys(draft.items)
    chunk_size = draft.settings.chunk_size
    rows = CHUNKS_PER_PIECE * chunk_size
    tables = (items.slice(first, rows) for first in range(0, items.num_rows, rows))
    return Plan(
        sequence=sequence,
        run_date=folder.run_date,
        kind=draft.kind,
        settings=draft.settings,
        fingerprint=draft.fingerprint,
        root=draft.root,
        chunk_size=chunk_size,
        planned=items.num_rows,
        pieces=pieces.write(folder.pieces, tables, rows=chunk_size),
    ).identified()


def read_identities(out: str, plans: Sequence[Plan]) -> pa.Table:
    """Returns (image_uri, version) of everything that some plans hold."""
    empty = pa.schema([ITEMS_SCHEMA.field(name) for name in IDENTITY]).empty_table()
    tables = (
        table
        for plan in plans
        for table in PlannedNight(out, plan).items().columns(IDENTITY)
    )
    return pa.concat_tables([empty, *tables])


def check_same_settings(plan: Plan, settings: ScoreSettings) -> None:
    """Refuses to go on with a night under other settings.

    Raises:
        UsageError: Names the first difference.
    """
    frozen.check_same(
        plan.settings.model_dump(mode="json"),
        settings.model_dump(mode="json"),
        cure=f"as in the plan of run_date={plan.run_date}; repeat it, or choose "
        "another --run_date or --output",
    )


def discard(night: PlannedNight) -> None:
    """Frees the items of a plan: it no longer counts, and may be planned again.

    Parts go first and pieces last, so that a discard cut short leaves either a plan
    that still works or nothing that a new plan of the night could take for its own.
    """
    files.remove_folder(night.folder.parts)
    files.create_once(plan_uri(night.out, night.plan.sequence, "discarded"), b"")
    files.remove_folder(night.folder.run)
