"""The frozen plan of a night: which items, cut into which chunks, under which settings.

The items lie in pieces beside the night's parts. Nothing in a plan depends on when,
where or how often it was made.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import pyarrow as pa

from pipelines import files
from pipelines.chunks.frozen import Frozen, Identified
from pipelines.chunks.parts import Parts
from pipelines.chunks.pieces import Piece, Pieces
from pipelines.faults import SystemicFault
from pipelines.score.layout import NightFolder, plan_uri
from pipelines.score.rows import SCORES_SCHEMA

Kind = Literal["score", "replay"]

_RESTORE_PIECE: Final = "restore the file from a copy"
_COMPUTE_AGAIN: Final = "move it away, and the same command computes it again"


class ScoreSettings(Frozen):
    """What decides the results of a night; nothing of when, where to and how fast.

    Attributes:
        model_fingerprints: Of each model. All else is as in `ScoreConfig`, after
            `auto` was resolved, see `fcn_core.scoring.arithmetic.Arithmetic`.
    """

    input: str
    model: tuple[str, ...]
    model_fingerprints: tuple[str, ...]
    engine: str
    precision: str
    instruction_set: str
    max_side: int | None
    tile: int | None
    masks: Literal["png", "tar", "none"]
    chunk_size: int
    limit: int | None


class Plan(Identified):
    """What one night is to do, decided once.

    Attributes:
        sequence: Place among all plans of this output, from 1.
        plan_id: Hash of everything below; parts carry it.
        run_date: The night, and the Hive key of its results.
        kind: `score`, or `replay` of failed rows.
        settings: The same night again must have the same.
        fingerprint: The arithmetic and the models; items are done once under each.
        root: The listed folder, None for manifests.
        chunk_size: Items a chunk.
        planned: Number of items.
        pieces: Files of items, in order.
    """

    unhashed: ClassVar[frozenset[str]] = frozenset({"sequence"})

    schema_version: Literal[1] = 1
    sequence: int
    plan_id: str = ""
    run_date: str
    kind: Kind
    settings: ScoreSettings
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
    """What a `Plan` would be, before it has a place in the sequence.

    Attributes:
        items: Table of LISTING_SCHEMA in plan order.
    """

    kind: Kind
    settings: ScoreSettings
    fingerprint: str
    root: str | None
    items: pa.Table


@dataclass(frozen=True)
class PlannedNight:
    """A night of an output."""

    out: str
    plan: Plan

    @property
    def folder(self) -> NightFolder:
        """Its paths."""
        return NightFolder(self.out, self.plan.run_date)

    @property
    def parts(self) -> Parts:
        """Its parts."""
        folder, plan_id = self.folder.parts, self.plan.plan_id
        return Parts(folder, plan_id, schema=SCORES_SCHEMA, cure=_COMPUTE_AGAIN)

    def items(self) -> Pieces:
        """Returns a reader of its items, tables of ITEMS_SCHEMA."""
        return Pieces(self.folder.pieces, self.plan.pieces, cure=_RESTORE_PIECE)

    def check_kept(self) -> None:
        """Stops an attempt whose plan was given up while it ran: nothing may show.

        Raises:
            SystemicFault: The plan is discarded.
        """
        if files.exists(plan_uri(self.out, self.plan.sequence, "discarded")):
            raise SystemicFault(
                f"run_date={self.plan.run_date}: got a plan that was discarded "
                "meanwhile, expected one that stands; its photos are free, score them "
                "in a new night"
            )
