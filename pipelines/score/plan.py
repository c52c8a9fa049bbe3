"""The frozen plan of a night: which items, cut into which chunks, under which settings.

The items lie in pieces beside the night's parts. Nothing in a plan depends on when,
where or how often it was made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import pyarrow as pa
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from fcn_core.labels import Views
from pipelines.chunks.frozen import Frozen, Identified, is_absent
from pipelines.chunks.parts import Parts
from pipelines.chunks.pieces import Piece, Pieces, read_file
from pipelines.faults import SystemicFault
from pipelines.score import index
from pipelines.score.commit import Commit, Discard, Outcome, read_outcome
from pipelines.score.gate_settings import FrozenGates
from pipelines.score.keys import Keys
from pipelines.score.layout import PlanFolder
from pipelines.score.rows import SCORES_SCHEMA

Kind = Literal["score", "replay"]

_RESTORE_PIECE: Final = "restore the file from a copy"
_SHA256_BYTES: Final = 32


class ScoreSettings(Frozen):
    """What decides the results of a night; nothing of when, where to and how fast.

    Attributes:
        model_fingerprints: Of each model, in its precision. All else is as in
            `ScoreConfig`, after `auto` was resolved, see
            `fcn_core.scoring.arithmetic.Arithmetic`.
        precision: One word, or one a model joined by "+": see
            `fcn_core.scoring.precisions.join`, also for `instruction_set`.
    """

    input: str
    model: tuple[str, ...]
    model_fingerprints: tuple[str, ...]
    engine: str
    precision: str
    instruction_set: str
    max_side: int | None
    tile: int | None
    views: Views = "1"
    masks: Literal["png", "tar", "none"]
    chunk_size: int
    limit: int | None

    @model_serializer(mode="wrap")
    def _without_usual_views(self, dump: SerializerFunctionWrapHandler) -> Any:
        """Leaves out what plans of earlier versions do not have, where it is usual."""
        return {
            name: value
            for name, value in dump(self).items()
            if (name, value) != ("views", "1")
        }

    @property
    def has_masks(self) -> bool:
        """Whether masks are written."""
        return self.masks != "none"


class Plan(Identified):
    """What one night is to do, decided once.

    Attributes:
        plan_id: Hash of everything below; parts carry it.
        sequence: Place among all plans of this output, from 1.
        previous: `plan_id` of the plan before, empty for the first.
        run_date: The night, and the Hive key of its results.
        kind: `score`, or `replay` of failed rows.
        settings: The same night again must have the same.
        fingerprint: The arithmetic and the models; items are done once under each.
        root: The listed folder, None for manifests.
        chunk_size: Items a chunk.
        planned: Number of items.
        pieces: Files of items, in order.
        index: Files of the items' keys, see `index`.
        gates: What the night is judged by, besides its failures; None: nothing.
    """

    schema_version: Literal[4] = 4
    plan_id: str = ""
    sequence: int
    previous: str
    run_date: str
    kind: Kind
    settings: ScoreSettings
    fingerprint: str
    root: str | None
    chunk_size: int
    planned: int
    pieces: tuple[Piece, ...]
    index: tuple[Piece, ...]
    # What is not there is not written: plans without gates keep their hash.
    gates: FrozenGates | None = Field(default=None, exclude_if=is_absent)

    @property
    def files(self) -> tuple[Piece, ...]:
        """All files that it names."""
        return self.pieces + self.index + (self.gates.baseline if self.gates else ())

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.planned // self.chunk_size)

    def items_of(self, chunk: int) -> int:
        """Returns the number of items of a chunk; the last one may have fewer."""
        return min(self.chunk_size, self.planned - chunk * self.chunk_size)


class Items(Protocol):
    """Photos to be planned, which need not fit into memory."""

    @property
    def num_rows(self) -> int:
        """How many they are."""

    def tables(self) -> Iterator[pa.Table]:
        """Yields them in plan order, as tables of LISTING_SCHEMA."""


@dataclass(frozen=True)
class Draft:
    """What a `Plan` would be, before it has a place in the sequence.

    Attributes:
        gates: Without the file of their reference.
        baseline: The content of that file; None where there is no reference.
    """

    kind: Kind
    settings: ScoreSettings
    fingerprint: str
    root: str | None
    items: Items
    gates: FrozenGates | None = None
    baseline: bytes | None = None


@dataclass(frozen=True)
class PlannedNight:
    """A night of an output.

    Attributes:
        durable: Whether what is written is on the disk before what names it.
    """

    out: str
    plan: Plan
    durable: bool = field(default=True, kw_only=True)

    @property
    def folder(self) -> PlanFolder:
        """Its paths."""
        return PlanFolder(self.out, self.plan.run_date, self.plan.sequence)

    @property
    def cure(self) -> str:
        """What to do where a file of the night is missing or damaged."""
        return self.folder.cure

    @property
    def parts(self) -> Parts:
        """Its parts."""
        return Parts(
            self.folder.parts,
            self.plan.plan_id,
            schema=SCORES_SCHEMA,
            cure=self.cure,
            lost=self.cure,
            durable=self.durable,
            parents=False,
        )

    def items(self) -> Pieces:
        """Returns a reader of its items, tables of ITEMS_SCHEMA."""
        return Pieces(self.folder.pieces, self.plan.pieces, cure=_RESTORE_PIECE)

    def keys(self) -> Iterator[Keys]:
        """Yields the keys of its items, each once.

        Raises:
            SystemicFault: A file of them is missing or damaged.
        """
        return index.read(self.folder.pieces, self.plan.index, cure=self.cure)

    def outcome(self) -> Outcome | None:
        """Returns its outcome; None while it is open.

        Raises:
            SystemicFault: The file that says so is damaged.
        """
        return read_outcome(self.folder, self.plan.plan_id)

    def commit(self) -> Commit | None:
        """Returns its commit; None while it is open.

        Raises:
            SystemicFault: The plan is discarded, or the commit is damaged.
        """
        outcome = self.outcome()
        if isinstance(outcome, Discard):
            raise SystemicFault(
                f"run_date={self.plan.run_date}: got a plan that was discarded "
                "meanwhile, expected one that stands; its photos are free, score them "
                "in a new night"
            )
        return outcome

    def part_hashes(self, commit: Commit) -> list[str]:
        """Returns the sha256 of each chunk's part, in hex.

        Raises:
            SystemicFault: Their file is missing or damaged.
        """
        digests = b"".join(
            read_file(self.folder.pieces, piece, what="hashes", cure=self.cure)
            for piece in commit.parts
        )
        starts = range(0, len(digests), _SHA256_BYTES)
        return [digests[start : start + _SHA256_BYTES].hex() for start in starts]

    @contextmanager
    def attempted(self) -> Iterator[None]:
        """Guards what an attempt does: nothing may show once the plan is given up.

        Raises:
            SystemicFault: The plan is discarded, whatever failed because of that; or a
                folder of the night is gone.
        """
        self.commit()
        try:
            yield
        except (OSError, SystemicFault) as fault:
            self.commit()
            if isinstance(fault, FileNotFoundError):
                folder = str(fault.filename).rpartition("/")[0]
                raise SystemicFault(
                    f"{folder}: got nothing there, expected the files of "
                    f"the night to stay while it is scored; {self.cure}"
                ) from fault
            raise
