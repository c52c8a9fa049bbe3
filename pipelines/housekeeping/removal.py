"""What may be removed from an output, as plain values: found first, then removed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines import files
from pipelines.score import pruned
from pipelines.score.layout import PlanFolder
from pipelines.score.pruned import Pruned

Kind: TypeAlias = Literal["masks", "unnamed mask", "left over", "temporary"]

HEADS = ("night", "what", "number", "MiB")


@dataclass(frozen=True)
class Removal:
    """A file or a folder that may go.

    Attributes:
        run_date: The night; empty where it is of none.
        kind: `masks`: a rule lets them go; `unnamed mask`: no row names it, a late
            attempt wrote it; `left over`: of a discarded plan or a draft that lost;
            `temporary`: half-written by an attempt that was killed.
        uri: Where it is.
        number: Files that it is or holds, as far as they are counted.
        bytes: Size of them.
        record: What must be recorded before it goes.
    """

    run_date: str
    kind: Kind
    uri: str
    number: int = 1
    bytes: int = 0
    record: Pruned | None = None


@dataclass(frozen=True)
class Line:
    """What was removed of a night, added up."""

    run_date: str
    kind: Kind
    number: int = 0
    bytes: int = 0

    def row(self) -> tuple[str, ...]:
        """Returns it for people, below `HEADS`."""
        mebibytes = f"{self.bytes / 2**20:.1f}"
        return self.run_date or "-", self.kind, str(self.number), mebibytes


def add_up(removals: Iterable[Removal]) -> list[Line]:
    """Returns a line a night and kind, in the order in which they came first."""
    lines: dict[tuple[str, Kind], Line] = {}
    for each in removals:
        key = each.run_date, each.kind
        before = lines.get(key, Line(*key))
        number, size = before.number + each.number, before.bytes + each.bytes
        lines[key] = Line(*key, number, size)
    return list(lines.values())


def remove(out: str, removal: Removal) -> None:
    """Removes what may go, its record first; what is gone already is fine."""
    record = removal.record
    if record is not None:
        pruned.record(PlanFolder(out, record.run_date, record.sequence), record)
    if files.is_file(removal.uri):
        files.remove(removal.uri)
    else:
        files.remove_folder(removal.uri)
