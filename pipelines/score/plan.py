"""The frozen plan of a night: which items, cut into which chunks, under which settings.

Plans of one output form a sequence, `_runs/plans/00000001.json` and so on, each
created once: who loses a number reads again and decides again. The items lie in
pieces beside the night's parts, one row group a chunk, so that a worker reads only its
own. Nothing in a plan depends on when, where or how often it was made.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, JsonValue

from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.score.items import IDENTITY, ITEMS_SCHEMA, encode, open_piece, with_keys
from pipelines.score.layout import plan_uri, run_folder

CHUNKS_PER_PIECE = 256


class Piece(BaseModel):
    """A file of planned items."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str


class Plan(BaseModel):
    """What one night is to do, decided once.

    Attributes:
        sequence: Place among all plans of this output, from 1.
        plan_id: Hash of everything below; parts carry it.
        run_date: The night, and the Hive key of its results.
        kind: `score`, or `replay` of failed rows.
        settings: What decides the results; the same night again must have the same.
        fingerprint: The arithmetic and the models; items are done once under each.
        root: The listed folder, None for manifests.
        chunk_size: Items a chunk.
        planned: Number of items.
        pieces: Files of items, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    sequence: int
    plan_id: str
    run_date: str
    kind: Literal["score", "replay"]
    settings: dict[str, JsonValue]
    fingerprint: str
    root: str | None
    chunk_size: int
    planned: int
    pieces: tuple[Piece, ...]

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.planned // self.chunk_size)


@dataclass(frozen=True)
class Draft:
    """What a plan would be, before it has a place in the sequence.

    Attributes:
        kind: `score` or `replay`.
        settings: See `Plan`.
        fingerprint: See `Plan`.
        root: See `Plan`.
        chunk_size: Items a chunk.
        items: Table with the columns image_uri, version, offset, in plan order.
    """

    kind: Literal["score", "replay"]
    settings: Mapping[str, JsonValue]
    fingerprint: str
    root: str | None
    chunk_size: int
    items: pa.Table


def read_all(out: str) -> list[Plan]:
    """Returns the plans of an output that are not discarded, in their sequence.

    Raises:
        SystemicFault: a plan is damaged or missing.
    """
    return _read_first(out, _last_sequence(out))


def _last_sequence(out: str) -> int:
    """Returns the number of plans so far, discarded ones included.

    Raises:
        SystemicFault: a plan is missing.
    """
    names = files.list_names(files.join(out, "_runs", "plans"))
    numbers = {int(name[:8]) for name in names if re.fullmatch(r"\d{8}\.json", name)}
    last = max(numbers, default=0)
    for number in range(1, last + 1):
        # A listing beside a creation may leave a name out: look for it itself.
        if number not in numbers and not files.exists(plan_uri(out, number)):
            raise SystemicFault(
                f"{plan_uri(out, number)}: got no plan, expected number {number} of "
                f"{last}; restore it from a copy before anything is scored into this "
                "output"
            )
    return last


def _read_first(out: str, count: int) -> list[Plan]:
    return [
        _read(out, number)
        for number in range(1, count + 1)
        if not files.exists(plan_uri(out, number, "discarded"))
    ]


def _read(out: str, sequence: int) -> Plan:
    uri = plan_uri(out, sequence)
    try:
        plan = Plan.model_validate_json(files.read_bytes(uri))
        if plan.sequence != sequence:
            raise ValueError("another number")
        if _plan_id(plan.model_dump(mode="json")) != plan.plan_id:
            raise ValueError("another content")
    except ValueError as error:  # pydantic's are such, too
        raise SystemicFault(
            f"{uri}: got a damaged plan, expected what this program froze; restore it "
            "from a copy before anything is scored into this output"
        ) from error
    return plan


def find(plans: Sequence[Plan], run_date: str) -> Plan | None:
    """Returns the plan of a night."""
    return next((plan for plan in plans if plan.run_date == run_date), None)


def freeze(
    out: str, run_date: str, draft: Callable[[Sequence[Plan]], Draft]
) -> tuple[Plan, bool]:
    """Returns the night's plan: the one that is there, or a new one.

    Args:
        out: The output.
        run_date: The night.
        draft: Decides what to do, given all plans so far; asked again if another
            launch was faster.

    Returns:
        The plan, and whether this call made it.
    """
    written: set[str] = set()
    while True:
        # The number before the plans: who takes it has seen all plans before it.
        last = _last_sequence(out)
        plans = _read_first(out, last)
        if (existing := find(plans, run_date)) is not None:
            _remove_pieces(out, run_date, written.difference(_names(existing)))
            return existing, False
        plan = _write_pieces(out, run_date, draft(plans), sequence=last + 1)
        written.update(_names(plan))
        data = _json(plan.model_dump(mode="json"))
        if files.create_once(plan_uri(out, plan.sequence), data):
            _remove_pieces(out, run_date, written.difference(_names(plan)))
            return plan, True


def _names(plan: Plan) -> set[str]:
    return {piece.name for piece in plan.pieces}


def _remove_pieces(out: str, run_date: str, names: Collection[str]) -> None:
    """Removes pieces of our drafts that the night's plan, now frozen, does not have.

    Not earlier: another launch may be about to freeze a plan of the same pieces.
    """
    for name in names:
        files.remove(files.join(run_folder(out, run_date), "plan", name))


def _write_pieces(out: str, run_date: str, draft: Draft, *, sequence: int) -> Plan:
    items = with_keys(draft.items)
    pieces = []
    rows = CHUNKS_PER_PIECE * draft.chunk_size
    for number, start in enumerate(range(0, items.num_rows, rows)):
        data = encode(items.slice(start, rows), chunk_size=draft.chunk_size)
        sha256 = hashlib.sha256(data).hexdigest()
        # Named by its hash: two launches with two listings do not share a piece.
        name = f"piece-{number:05}-{sha256[:16]}.parquet"
        files.create_once(files.join(run_folder(out, run_date), "plan", name), data)
        pieces.append(Piece(name=name, sha256=sha256))
    content = {
        "schema_version": 1,
        "run_date": run_date,
        "kind": draft.kind,
        "settings": dict(draft.settings),
        "fingerprint": draft.fingerprint,
        "root": draft.root,
        "chunk_size": draft.chunk_size,
        "planned": items.num_rows,
        "pieces": [piece.model_dump() for piece in pieces],
    }
    return Plan.model_validate(
        {**content, "sequence": sequence, "plan_id": _plan_id(content)}
    )


def _plan_id(content: Mapping[str, Any]) -> str:
    kept = {k: v for k, v in content.items() if k not in ("sequence", "plan_id")}
    return hashlib.sha256(_json(kept)).hexdigest()


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def read_chunk(out: str, plan: Plan, chunk: int) -> pa.Table:
    """Returns the items of a chunk, a table of ITEMS_SCHEMA.

    Raises:
        SystemicFault: the piece is damaged.
    """
    number, row_group = divmod(chunk, CHUNKS_PER_PIECE)
    return _open_piece(out, plan, number).read_row_group(row_group)


def _open_piece(out: str, plan: Plan, number: int) -> pq.ParquetFile:
    piece = plan.pieces[number]
    uri = files.join(run_folder(out, plan.run_date), "plan", piece.name)
    return open_piece(uri, piece.sha256)


def held(out: str, plans: Sequence[Plan]) -> pa.Table:
    """Returns (image_uri, version) of everything that some plans hold."""
    empty = pa.schema([ITEMS_SCHEMA.field(name) for name in IDENTITY]).empty_table()
    tables = (
        _open_piece(out, plan, number).read(columns=IDENTITY)
        for plan in plans
        for number in range(len(plan.pieces))
    )
    return pa.concat_tables([empty, *tables])


def check_same_settings(plan: Plan, settings: Mapping[str, JsonValue]) -> None:
    """Refuses to go on with a night under other settings.

    Raises:
        UsageError: names the first difference.
    """
    for name in sorted({*plan.settings, *settings}):
        planned, got = plan.settings.get(name), settings.get(name)
        if planned != got:
            raise UsageError(
                f"{name}: got {_short(got)}, expected {_short(planned)} as in the "
                f"plan of run_date={plan.run_date}; repeat it, or choose another "
                "--run_date or --output"
            )


def _short(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def discard(out: str, plan: Plan) -> None:
    """Frees the items of a plan: it no longer counts, and may be planned again.

    Parts go first and pieces last, so that a discard cut short leaves either a plan
    that still works or nothing that a new plan of the night could take for its own.
    """
    folder = run_folder(out, plan.run_date)
    files.remove_folder(files.join(folder, "parts"))
    files.create_once(plan_uri(out, plan.sequence, "discarded"), b"")
    files.remove_folder(folder)


def check_kept(out: str, plan: Plan) -> None:
    """Stops an attempt whose plan was given up while it ran: nothing of it may show.

    Raises:
        SystemicFault: the plan is discarded.
    """
    if files.exists(plan_uri(out, plan.sequence, "discarded")):
        raise SystemicFault(
            f"run_date={plan.run_date}: got a plan that was discarded meanwhile, "
            "expected one that stands; its photos are free, score them in a new night"
        )
