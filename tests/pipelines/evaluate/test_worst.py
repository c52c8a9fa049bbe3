"""The worst photos: which, and in which order."""

from typing import Any

import pyarrow as pa

from pipelines.evaluate import worst
from pipelines.evaluate.rows import PHOTOS_SCHEMA


def test_worst_twenty_of_more_photos_with_ties_and_gaps() -> None:
    """The worst first; of equal ones the first in the data; no figure, no place."""
    rows: list[dict[str, Any]] = []
    for number in range(25):
        badness = None if number in (3, 11) else number * 7 % 5 / 8  # many are equal
        sign = -1 if number % 3 else 1  # too low is as bad as too high
        rows.append(
            {
                "status": "ok",
                "shard": f"val-{number % 2}",
                "record": number,
                "iou": None if badness is None else 1 - badness,
                "predicted_mean": None if badness is None else 5 + sign * badness,
                "target_mean": 5.0,
            }
        )
    known = [row for row in rows if row["iou"] is not None]
    known.sort(key=lambda row: (row["iou"], row["shard"], row["record"]))
    expected = [row["record"] for row in known[:20]]
    assert known[19]["iou"] == known[20]["iou"]  # a tie at the border
    for order in (rows, rows[::-1]):
        table = pa.Table.from_pylist(order, schema=PHOTOS_SCHEMA)
        for task in ("segmentation", "aesthetics"):
            found = worst.find_worst(table, task)
            assert [row["record"] for row in found] == expected
