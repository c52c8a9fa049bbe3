"""What may be done at a place, as a store answers it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """What may be done at a place.

    Attributes:
        lacking: Verbs of what may not be done, such as `list` or `create`.
        unknown: Verbs of what the store does not say.
        cure: What to do about either.
        free_bytes: Room that is left; None where that does not end.
    """

    lacking: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    cure: str = ""
    free_bytes: int | None = None
