"""The files of a plan that is being made: written before it, removed if it loses."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import pyarrow as pa

from pipelines import files
from pipelines.chunks import frozen, pieces
from pipelines.chunks.pieces import CHUNKS_PER_PIECE, Piece
from pipelines.score import index
from pipelines.score.commit import Discard
from pipelines.score.gate_settings import FrozenGates
from pipelines.score.items import with_keys
from pipelines.score.keys import keys_of
from pipelines.score.layout import PlanFolder, plan_uri
from pipelines.score.plan import Draft, Plan, PlannedNight
from pipelines.score.spill import KeySpill

Written: TypeAlias = tuple[PlanFolder, tuple[Piece, ...]]
"""A draft's folder, and the files that were written there."""

_INDEX_STEM: Final = "keys"
_BASELINE_STEM: Final = "baseline"


def write(folder: PlanFolder, draft: Draft, *, previous: str, durable: bool) -> Plan:
    """Writes pieces and index of a draft; returns the plan that names them.

    Args:
        folder: Of the plan; it is made.
        draft: What is planned.
        previous: The id of the plan before.
        durable: Whether all is on the disk when the call returns.
    """
    folder.make(masks=draft.settings.has_masks, durable=durable)
    chunk_size, keys = draft.settings.chunk_size, KeySpill()
    noted = _noted(draft.items.tables(), keys)
    tables = pieces.cut(noted, CHUNKS_PER_PIECE * chunk_size)
    written = pieces.write(
        folder.pieces, map(with_keys, tables), rows=chunk_size, durable=durable
    )
    planned = draft.items.num_rows
    return Plan(
        sequence=folder.sequence,
        previous=previous,
        run_date=folder.run_date,
        kind=draft.kind,
        settings=draft.settings,
        fingerprint=draft.fingerprint,
        root=draft.root,
        chunk_size=chunk_size,
        planned=planned,
        pieces=written,
        index=index.write(
            folder.pieces,
            _INDEX_STEM,
            index.encode(keys.blocks(), planned),
            durable=durable,
        ),
        gates=_gates(folder, draft, durable=durable),
    ).identified()


def _gates(folder: PlanFolder, draft: Draft, *, durable: bool) -> FrozenGates | None:
    """Writes what a draft's gates compare with; returns them with its name."""
    if draft.gates is None or draft.baseline is None:
        return draft.gates
    piece = pieces.write_file(
        folder.pieces, _BASELINE_STEM, draft.baseline, suffix=".json", durable=durable
    )
    return draft.gates.model_copy(update={"baseline": (piece,)})


def encode_index(night: PlannedNight) -> Iterator[bytes]:
    """Yields the contents of a plan's index, made again from its items.

    Raises:
        SystemicFault: The items are missing or damaged.
    """
    tables = night.items().columns(["image_uri", "version"])
    return index.encode(map(keys_of, tables), night.plan.planned)


def _noted(tables: Iterable[pa.Table], keys: KeySpill) -> Iterator[pa.Table]:
    """Yields items; keeps their keys."""
    for table in tables:
        keys.add(keys_of(table))
        yield table


def remove(out: str, written: Sequence[Written], *, standing: Plan, cure: str) -> None:
    """Removes what our drafts left, now that the night has its plan.

    Not earlier: another launch may be about to freeze a plan of the same pieces.

    Args:
        out: The output.
        written: What was written, one of which may stand.
        standing: The night's plan.
        cure: What to do where a plan is damaged.
    """
    for folder, pieces_and_keys in written:
        owner: Plan | None = standing
        if folder.sequence != standing.sequence:
            owner = frozen.read(plan_uri(out, folder.sequence), Plan, cure=cure)
        if owner is None or owner.run_date != folder.run_date:
            files.remove_folder(folder.run)
            files.remove_folder(folder.masks)
        elif isinstance(PlannedNight(out, owner).outcome(), Discard):
            folder.clear()  # it was frozen and given up while we drafted
        else:
            kept = {piece.name for piece in owner.files}
            for piece in pieces_and_keys:
                if piece.name not in kept:
                    files.remove(files.join(folder.pieces, piece.name))
