"""What checks of a model find."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        level: "error" if the model must not be used.
        check: What was checked, in a few words.
        detail: What was found, and the cure where there is one.
    """

    level: Level
    check: str
    detail: str
