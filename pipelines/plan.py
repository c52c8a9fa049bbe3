"""The frozen plan of a night: which items, cut into which chunks, under which settings.

Plans of one output form a sequence, `_runs/plans/00000001.json` and so on, each
created once: who loses a number reads again and decides again. The items lie in
pieces beside the night's parts, one row group a chunk, so that a worker reads only its
own. Nothing in a plan depends on when, where or how often it was made.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from pipelines import files
from pipelines.faults import SystemicFault, UsageError

CHUNKS_PER_PIECE = 256

ITEMS_SCHEMA = pa.schema(
    [
        pa.field("image_key", pa.string(), nullable=False),
        pa.field("image_uri", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("offset", pa.int64()),
    ]
)
"""A planned item; `offset` as in `inputs.LISTING_SCHEMA`."""

_IDENTITY = ["image_uri", "version"]


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


def run_folder(out: str, run_date: str) -> str:
    """Returns the folder of a night's plan pieces, parts and commit."""
    return files.join(out, "_runs", f"run_date={run_date}")


def image_key(uri: str) -> str:
    """Returns the name of an image's results: readable, unique and a safe file name."""
    stem = uri.rpartition("/")[2].rpartition(".")[0] or uri.rpartition("/")[2]
    readable = re.sub(r"[^A-Za-z0-9_]", "_", stem)[:40]
    return f"{readable}-{hashlib.sha256(uri.encode()).hexdigest()[:20]}"


def read_all(out: str) -> list[Plan]:
    """Returns the plans of an output that are not discarded, in their sequence.

    Raises:
        SystemicFault: a plan is damaged.
    """
    folder = files.join(out, "_runs", "plans")
    names = files.list_names(folder)
    discarded = {name.removesuffix(".discarded") for name in names}
    return [
        _read(files.join(folder, name))
        for name in names
        if name.endswith(".json") and name.removesuffix(".json") not in discarded
    ]


def _read(uri: str) -> Plan:
    try:
        plan = Plan.model_validate_json(files.read_bytes(uri))
    except ValidationError as error:
        raise SystemicFault(
            f"{uri}: got a damaged plan, expected what this program wrote; restore it "
            "from a copy before anything is scored into this output"
        ) from error
    if _plan_id(plan.model_dump(mode="json")) != plan.plan_id:
        raise SystemicFault(
            f"{uri}: the plan is not the one that was frozen (its hash differs); "
            "restore it from a copy"
        )
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
    while True:
        plans = read_all(out)
        if (existing := find(plans, run_date)) is not None:
            return existing, False
        plan = _write_pieces(out, run_date, draft(plans), sequence=_next(out))
        uri = files.join(out, "_runs", "plans", f"{plan.sequence:08}.json")
        if files.create_once(uri, _json(plan.model_dump(mode="json"))):
            return plan, True
        _remove_orphans(out, plan)


def _next(out: str) -> int:
    names = files.list_names(files.join(out, "_runs", "plans"))
    return max((int(name.partition(".")[0]) for name in names), default=0) + 1


def _write_pieces(out: str, run_date: str, draft: Draft, *, sequence: int) -> Plan:
    items = _with_keys(draft.items)
    pieces = []
    rows = CHUNKS_PER_PIECE * draft.chunk_size
    for number, start in enumerate(range(0, items.num_rows, rows)):
        data = _parquet(items.slice(start, rows), row_group_size=draft.chunk_size)
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


def _with_keys(items: pa.Table) -> pa.Table:
    keys = pa.array([image_key(uri) for uri in items["image_uri"].to_pylist()])
    return items.select(["image_uri", "version", "offset"]).add_column(
        0, ITEMS_SCHEMA.field("image_key"), keys
    )


def _plan_id(content: Mapping[str, Any]) -> str:
    kept = {k: v for k, v in content.items() if k not in ("sequence", "plan_id")}
    return hashlib.sha256(_json(kept)).hexdigest()


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _parquet(table: pa.Table, *, row_group_size: int) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=row_group_size, compression="zstd")
    return buffer.getvalue()


def _remove_orphans(out: str, loser: Plan) -> None:
    """Removes the pieces of a plan that lost its number, unless the winner has them."""
    kept = {
        piece.name
        for plan in read_all(out)
        if plan.run_date == loser.run_date
        for piece in plan.pieces
    }
    folder = files.join(run_folder(out, loser.run_date), "plan")
    for piece in loser.pieces:
        if piece.name not in kept:
            files.remove(files.join(folder, piece.name))


def read_chunk(out: str, plan: Plan, chunk: int) -> pa.Table:
    """Returns the items of a chunk, a table of ITEMS_SCHEMA.

    Raises:
        SystemicFault: the piece is damaged.
    """
    number, row_group = divmod(chunk, CHUNKS_PER_PIECE)
    return _open_piece(out, plan, number).read_row_group(row_group)


@lru_cache(maxsize=4)
def _open_piece_bytes(uri: str, sha256: str) -> bytes:
    data = files.read_bytes(uri)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SystemicFault(
            f"{uri}: the plan's items are not those that were frozen (their hash "
            "differs); restore the file from a copy"
        )
    return data


def _open_piece(out: str, plan: Plan, number: int) -> pq.ParquetFile:
    piece = plan.pieces[number]
    uri = files.join(run_folder(out, plan.run_date), "plan", piece.name)
    return pq.ParquetFile(pa.BufferReader(_open_piece_bytes(uri, piece.sha256)))


def items_sha256(items: pa.Table) -> str:
    """Returns the hash of which items, in which version, a chunk has."""
    digest = hashlib.sha256()
    for key, version in zip(
        items["image_key"].to_pylist(), items["version"].to_pylist(), strict=True
    ):
        digest.update(f"{key}\0{version}\n".encode())
    return digest.hexdigest()


def identities(out: str, plan: Plan) -> Iterator[pa.Table]:
    """Yields (image_uri, version) of all items of a plan, a table a piece."""
    for number in range(len(plan.pieces)):
        yield _open_piece(out, plan, number).read(columns=_IDENTITY)


def held(out: str, plans: Sequence[Plan]) -> pa.Table:
    """Returns (image_uri, version) of everything that some plans hold."""
    empty = pa.schema([ITEMS_SCHEMA.field(name) for name in _IDENTITY]).empty_table()
    return pa.concat_tables(
        [empty, *(table for plan in plans for table in identities(out, plan))]
    )


def without(photos: pa.Table, others: pa.Table) -> pa.Table:
    """Returns the photos whose (image_uri, version) is not among `others`, sorted."""
    if others.num_rows == 0:
        return photos
    left = photos.join(others.select(_IDENTITY), keys=_IDENTITY, join_type="left anti")
    return _sorted(left)


def among(photos: pa.Table, others: pa.Table) -> pa.Table:
    """Returns the photos whose (image_uri, version) is among `others`, sorted."""
    if others.num_rows == 0:
        return photos.slice(0, 0)
    left = photos.join(others.select(_IDENTITY), keys=_IDENTITY, join_type="left semi")
    return _sorted(left)


def _sorted(table: pa.Table) -> pa.Table:
    order = pc.sort_indices(table, sort_keys=[("image_uri", "ascending")])
    return table.take(order)


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
    """Frees the items of a plan: it no longer counts, and may be planned again."""
    uri = files.join(out, "_runs", "plans", f"{plan.sequence:08}.discarded")
    files.create_once(uri, b"")
    files.remove_folder(run_folder(out, plan.run_date))
