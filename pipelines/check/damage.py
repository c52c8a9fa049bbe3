"""What is damaged in an output, and what was read to know."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "plan",
    "piece",
    "index",
    "folder",
    "part",
    "commit",
    "table",
    "mask",
    "summary",
    "page",
    "pruned",
    "left over",
]

HEADS = ("night", "what", "where", "got", "cure")

MEND = "--mend"
"""The cure of what this command mends."""

RESTORE = "restore it from a copy"
"""The cure of what cannot be made again."""


@dataclass(frozen=True)
class Damage:
    """A file that is not what plans and commits say.

    Attributes:
        run_date: The night; empty where the whole output is meant.
        kind: What it is.
        path: Where, below the output.
        got: What is there instead.
        cure: `MEND`, or what a person has to do.
        chunk: Its chunk, for parts and masks.
        image_key: Its photo, for a mask that is a file of its own.
    """

    run_date: str
    kind: Kind
    path: str
    got: str
    cure: str = MEND
    chunk: int | None = None
    image_key: str | None = None

    def row(self) -> tuple[str, ...]:
        """Returns it for people, below `HEADS`."""
        return (self.run_date, self.kind, self.path, self.got, self.cure)


@dataclass
class Findings:
    """What a check has read, and the damage that it found.

    Attributes:
        nights: Nights whose plan stands.
        files: Files that were read, by kind.
        pruned: Night -> why its masks are gone, where a rule has removed them.
    """

    nights: int = 0
    files: dict[str, int] = field(default_factory=dict)
    pruned: dict[str, str] = field(default_factory=dict)
    damages: list[Damage] = field(default_factory=list)

    def count(self, kind: Kind, number: int = 1) -> None:
        """Notes that files were read."""
        self.files[kind] = self.files.get(kind, 0) + number
