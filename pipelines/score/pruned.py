"""Masks that a rule has removed from a committed night, as a record of its own.

It is created once, before the first mask goes: from then on masks that are gone are no
damage. The night's table, parts and commit stay as they are, and readable.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from pipelines import files
from pipelines.chunks import frozen
from pipelines.chunks.frozen import Identified
from pipelines.score.layout import NightFolder, PlanFolder

CURE: Final = "remove it, and run the same fcn prune again"


class Pruned(Identified):
    """What a rule has removed.

    Attributes:
        pruned_id: Hash of everything below.
        plan_id: The plan whose masks they were.
        pruned_on: The day, YYYY-MM-DD.
        masks_after_days: The rule: masks may go when the night is so old.
        masks: How many masks the night had.
        bytes: Size of the files that they lay in.
    """

    id_field: ClassVar[str] = "pruned_id"

    pruned_id: str = ""
    schema_version: Literal[1] = 1
    run_date: str
    sequence: int
    plan_id: str
    pruned_on: str
    masks_after_days: int
    masks: int
    bytes: int

    @property
    def text(self) -> str:
        """What a person reads where a mask would be."""
        return (
            f"masks pruned on {self.pruned_on} by rule "
            f"(--masks_after {self.masks_after_days}d)"
        )


def record(folder: PlanFolder, pruned: Pruned) -> None:
    """Records that the masks of a plan may be gone; the first record stands.

    Raises:
        FileNotFoundError: The folder of the plan is gone.
    """
    files.create_once(folder.pruned, pruned.encode(), parents=False)


def find(folder: NightFolder) -> Pruned | None:
    """Returns what a rule has removed of a night; None where nothing was.

    Args:
        folder: Of the night, or of one of its plans.

    Raises:
        SystemicFault: The record is damaged.
    """
    if isinstance(folder, PlanFolder):
        return _read(folder)
    plans = (PlanFolder(folder.out, folder.run_date, n) for n in folder.sequences())
    return next(filter(None, map(_read, plans)), None)


def _read(folder: PlanFolder) -> Pruned | None:
    return frozen.read(folder.pruned, Pruned, cure=CURE)


def nights_text(pruned: Sequence[Pruned]) -> str:
    """Returns which nights lost their masks, in a line."""
    dates = sorted(each.run_date for each in pruned)
    nights = "1 night" if len(dates) == 1 else f"{len(dates)} nights"
    between = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return f"masks of {nights} are pruned by rule ({between}); their scores stay"
