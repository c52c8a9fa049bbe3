"""What a mistyped name was meant to be, for error messages."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Returns the known name that is most like `name`, None where none is like it.

    Args:
        name: What was typed; `-` and `_` count as the same character.
        known: The names that exist.
        cutoff: How alike two names must be, 0 (anything) to 1 (equal).
    """
    spellings = {other.replace("-", "_"): other for other in known}
    found = difflib.get_close_matches(
        name.replace("-", "_"), spellings, n=1, cutoff=cutoff
    )
    return spellings[found[0]] if found else None


def did_you_mean(
    name: str, known: Iterable[str], *, otherwise: str, cutoff: float = 0.6
) -> str:
    """Returns the cure for an unknown name: the nearest one, or else `otherwise`."""
    near = nearest(name, known, cutoff=cutoff)
    return otherwise if near is None else f"did you mean {near}?"
