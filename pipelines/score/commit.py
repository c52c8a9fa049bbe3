"""The commit of a night: which files its table is made of, decided once."""

from typing import ClassVar, Final, Literal

from pipelines.chunks import frozen
from pipelines.chunks.frozen import Frozen, Identified
from pipelines.score.layout import NightFolder

_RESTORE: Final = "restore it from a copy"


class TableFile(Frozen):
    """A file of the published table: its name there, rows, and sha256 in hex."""

    name: str
    rows: int
    sha256: str


class Commit(Identified):
    """The outcome of a night: of its plan, and of its parts as in `parts.Totals`.

    Attributes:
        commit_id: Hash of everything below.
        planned: Number of photos.
        files: The table.
    """

    id_field: ClassVar[str] = "commit_id"

    commit_id: str = ""
    schema_version: int
    run_date: str
    sequence: int
    plan_id: str
    verdict: Literal["success"] = "success"
    planned: int
    ok: int
    failed: int
    failures: dict[str, int]
    transient: int
    files: tuple[TableFile, ...]


def read_commit(folder: NightFolder) -> Commit | None:
    """Returns a night's commit, None while it is open.

    Raises:
        SystemicFault: It is damaged.
    """
    return frozen.read(folder.commit, Commit, cure=_RESTORE)
