"""What became of planned items: a monoid that workers yield and Beam adds up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """How many items came to which end.

    Attributes:
        ok: Items with a result.
        failed: Items with a reason instead.
        computed: Items that this attempt worked on; the others were found done.
    """

    ok: int = 0
    failed: int = 0
    computed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.ok + other.ok,
            self.failed + other.failed,
            self.computed + other.computed,
        )
