"""What a check found, as a line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        level: `wrong` where a job would fail.
        check: What was looked at, in a word or two.
        detail: What was found.
        cure: What to do about it; empty where all is well.
    """

    level: Level
    check: str
    detail: str
    cure: str = ""


@dataclass(frozen=True)
class Check:
    """Something to look at.

    Attributes:
        name: In a word or two, as findings have it.
        look: Returns what was found; may raise, may hang.
    """

    name: str
    look: Callable[[], Finding]
