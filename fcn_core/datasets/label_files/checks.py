"""Checks that labels of every kind have in common."""

import numpy as np
from numpy.typing import NDArray

from fcn_core.datasets.bad_record import BadRecord

_SHOWN = 8


def bad_label(reason: str, detail: str, path: str) -> BadRecord:
    """Returns the refusal of a label."""
    return BadRecord(reason, detail, stage="label", path=path)


def check_size(got: tuple[int, ...], expected: tuple[int, int], path: str) -> None:
    """Refuses a label that is not as large as its photo; (height, width) each.

    Raises:
        BadRecord: `label-size-swapped` where only the order differs, else `label-size`.
    """
    if got == expected:
        return
    reason = "label-size-swapped" if got == expected[::-1] else "label-size"
    detail = (
        f"label is {got[0]}x{got[1]} (height x width), its photo "
        f"{expected[0]}x{expected[1]}"
    )
    raise bad_label(reason, detail, path)


def check_values(
    values: NDArray[np.intp], *, num_classes: int, void: int | None, path: str
) -> tuple[int, ...]:
    """Refuses unknown values and labels of nothing but void.

    Args:
        values: Those that occur, ascending.
        num_classes: Values from here on are refused, void aside.
        void: The value that is no class; None where there is none.
        path: The label file, for the report.

    Returns:
        The classes present, without 0 (background) and void.

    Raises:
        BadRecord: `label-value` or `all-void`.
    """
    unknown = [int(v) for v in values if v >= num_classes and v != void]
    if unknown:
        shown = ", ".join(map(str, unknown[:_SHOWN]))
        others = "" if void is None else f" or {void}"
        detail = f"values {shown}, expected 0..{num_classes - 1}{others}"
        raise bad_label("label-value", detail, path)
    if values.tolist() == [void]:
        detail = "nothing but void: nothing to learn or evaluate"
        raise bad_label("all-void", detail, path)
    return tuple(int(value) for value in values if value and value != void)
