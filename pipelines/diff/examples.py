"""A few photos of each kind of change: those that changed most, or the first."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.diff.difference import Example, Side

COLUMNS = (
    "image_uri",
    "version",
    "sha256",
    "status",
    "error_reason",
    "dominant_class",
    "aesthetics_mean",
    "technical_mean",
    "mask_path",
    "mask_sha256",
)
"""What is shown of a row."""


class Most:
    """Keeps the photos with the largest values; those that came first among equals.

    Args:
        number: How many.
    """

    def __init__(self, number: int):
        self._number = number
        self._kept: list[tuple[float, pa.Table | None, pa.Table | None]] = []

    def add(
        self,
        values: NDArray[np.float64],
        before: pa.Table | None,
        after: pa.Table | None,
    ) -> None:
        """Takes rows, side by side.

        Args:
            values: Of each of them.
            before: Their rows in the first night; None where it has none.
            after: Likewise.
        """
        order = np.argsort(-values, kind="stable")[: self._number]
        for index in order.tolist():
            sides = (_row(before, index), _row(after, index))
            self._kept.append((float(values[index]), *sides))
        self._kept.sort(key=lambda kept: -kept[0])
        del self._kept[self._number :]

    def result(
        self, before: Mapping[int, str], after: Mapping[int, str]
    ) -> tuple[Example, ...]:
        """Returns the photos, the largest values first.

        Args:
            before: Class id -> name of the first night.
            after: Likewise of the second.
        """
        names = (before, after)
        return tuple(_example((a, b), names) for _, a, b in self._kept)


def _row(rows: pa.Table | None, index: int) -> pa.Table | None:
    # Copied: a slice would keep all of the rows in memory.
    return None if rows is None else rows.select(COLUMNS).take([index])


def _example(
    rows: Sequence[pa.Table | None], names: Sequence[Mapping[int, str]]
) -> Example:
    sides = [None if side is None else side.to_pylist()[0] for side in rows]
    photo = sides[1] or sides[0] or {}
    first, second = (
        None if row is None else _side(row, of)
        for row, of in zip(sides, names, strict=True)
    )
    hashes = (row["sha256"] for row in sides if row and row["sha256"])
    return Example(
        image_uri=photo["image_uri"],
        version=photo["version"],
        sha256=next(hashes, None),
        before=first,
        after=second,
    )


def _side(row: Mapping[str, object], names: Mapping[int, str]) -> Side:
    number = row["dominant_class"]
    name = names.get(number, f"class {number}") if isinstance(number, int) else None
    kept = ("status", "aesthetics_mean", "technical_mean", "mask_path", "mask_sha256")
    return Side.model_validate(
        {
            **{key: row[key] for key in kept},
            "reason": row["error_reason"],
            "dominant_class": name,
        }
    )
