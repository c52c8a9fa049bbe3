"""The outcome of a plan, decided once: committed with its table, or discarded.

Both are a verdict under one name that is created once. So of a publication and a
discard that meet exactly one wins, and the other learns of it.
"""

from typing import ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from pipelines.chunks import frozen
from pipelines.chunks.frozen import Frozen, Identified, is_absent
from pipelines.chunks.pieces import Piece
from pipelines.faults import SystemicFault
from pipelines.score.gate_settings import Acceptance
from pipelines.score.layout import PlanFolder

_RESTORE: Final = "restore it from a copy"


class TableFile(Frozen):
    """A file of the published table: its name there, rows, size, and sha256 in hex."""

    name: str
    rows: int
    bytes: int
    sha256: str


class _Outcome(Identified):
    """The outcome of a plan.

    Attributes:
        commit_id: Hash of everything below.
    """

    id_field: ClassVar[str] = "commit_id"

    commit_id: str = ""
    schema_version: Literal[4] = 4
    run_date: str
    sequence: int
    plan_id: str


class Commit(_Outcome):
    """A night is published: its parts add up to this, as in `parts.Totals`.

    Attributes:
        planned: Number of photos.
        files: The table.
        parts: The file of the sha256 of each chunk's part, 32 bytes a chunk; none
            where there is no chunk. It lies apart, as whoever plans reads all commits.
        retries: Files of the keys of the failed photos that are tried again.
        writer: The library that wrote the table; another one may write other bytes.
        statistics: The file of what gates compare later nights with; none in commits
            of earlier versions.
        accepted: Who published it in spite of its gates; None: nobody had to.
    """

    verdict: Literal["success"] = "success"
    planned: int
    ok: int
    failed: int
    failures: dict[str, int]
    transient: int
    files: tuple[TableFile, ...]
    parts: tuple[Piece, ...]
    retries: tuple[Piece, ...]
    writer: str
    # What is not there is not written: commits of earlier versions keep their hash.
    statistics: tuple[Piece, ...] = Field(default=(), exclude_if=is_absent)
    accepted: Acceptance | None = Field(default=None, exclude_if=is_absent)

    @property
    def attached(self) -> tuple[Piece, ...]:
        """The files of ours that it names, beside the items of the plan."""
        return self.parts + self.retries + self.statistics


class Discard(_Outcome):
    """A night is given up: its photos are free."""

    verdict: Literal["discarded"] = "discarded"


Outcome: TypeAlias = Commit | Discard


def read_outcome(folder: PlanFolder, plan_id: str) -> Outcome | None:
    """Returns the outcome of a plan; None while it is open.

    Raises:
        SystemicFault: The file is damaged, or of another plan.
    """
    uri = folder.commit
    kinds: tuple[type[Outcome], ...] = (Commit, Discard)
    outcome = frozen.read_one_of(uri, kinds, cure=_RESTORE)
    if outcome is None:
        return None
    got = (outcome.run_date, outcome.sequence, outcome.plan_id)
    expected = (folder.run_date, folder.sequence, plan_id)
    if got != expected:
        raise SystemicFault(
            f"{uri}: got the commit of plan {got[1]} of run_date={got[0]} "
            f"({got[2][:16]}), expected one of plan {expected[1]} of "
            f"run_date={expected[0]} ({plan_id[:16]}); {_RESTORE}"
        )
    return outcome
