"""`fcn diff`: the rows of two nights, joined by their photos and added up.

The rows are read once, sorted on the disk where they are not (`score.sorting`), joined
as streams, and counted: memory does not grow with the number of photos.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fcn_core.labels import RATING_TASKS
from pipelines.diff.classes import NONE, PixelSums, Vocabulary, dominant_places, shifts
from pipelines.diff.difference import ClassChange, Difference, RatingShift
from pipelines.diff.examples import Most
from pipelines.diff.join import Joined, join
from pipelines.diff.spread import SpreadSums
from pipelines.diff.whole_night import SCHEMA, WholeNight, floats
from pipelines.score.layout import NightFolder
from pipelines.score.sorting import sort_unique

_MOVED = 0.1
"""A rating that moved by no more is the same to people."""

_CHANGES = 50
"""Changes of the dominant class that are listed."""


def compare(before: NightFolder, after: NightFolder, *, photos: int) -> Difference:
    """Compares two published nights.

    Args:
        before: The first.
        after: The second.
        photos: How many examples to keep of each kind of change.

    Raises:
        SystemicFault: A table is damaged.
    """
    vocabulary = Vocabulary()
    nights = WholeNight(before, vocabulary), WholeNight(after, vocabulary)
    sums = _Sums(*nights, photos)
    streams = (sort_unique(night.rows(), SCHEMA) for night in nights)
    for joined in join(*streams):
        sums.add(joined)
    return sums.result()


class _Sums:
    def __init__(self, before: WholeNight, after: WholeNight, photos: int):
        self._nights, self._most = (before, after), {}
        for kind in (*RATING_TASKS, "dominant", "new_failures", *_ALONE):
            self._most[kind] = Most(photos)
        self._counts: Counter[str] = Counter()
        self._dominant: Counter[tuple[int, int]] = Counter()
        self._pixels = (PixelSums(), PixelSums())
        self._failures: dict[str, Counter[str]] = {
            "new_failures": Counter(),
            "mended": Counter(),
        }
        self._shifts, self._moved = {}, Counter[str]()
        for task in RATING_TASKS:
            lows, highs = zip(
                *(night.scales[task] for night in self._nights), strict=True
            )
            reach = max(highs) - min(lows)
            self._shifts[task] = SpreadSums(-reach, reach)

    def add(self, joined: Joined) -> None:
        """Adds a part of the join."""
        for kind, rows in zip(
            _ALONE, (joined.only_before, joined.only_after), strict=True
        ):
            self._counts[kind] += len(rows)
            sides = (rows, None) if kind == "only_before" else (None, rows)
            self._most[kind].add(np.zeros(len(rows)), *sides)
        is_same = pc.equal(joined.before["version"], joined.after["version"])
        before, after = joined.before.filter(is_same), joined.after.filter(is_same)
        self._counts["both"] += len(before)
        self._counts["replaced"] += len(joined.before) - len(before)
        was_ok, is_ok = (pc.equal(rows["status"], "ok") for rows in (before, after))
        self._add_failures(before, after, pc.and_not(was_ok, is_ok))
        mended = before.filter(pc.and_not(is_ok, was_ok))
        self._failures["mended"].update(mended["error_reason"].to_pylist())
        is_both = pc.and_(was_ok, is_ok)
        self._add_ok(before.filter(is_both), after.filter(is_both))

    def _add_failures(
        self, before: pa.Table, after: pa.Table, is_new: pa.ChunkedArray
    ) -> None:
        before, after = before.filter(is_new), after.filter(is_new)
        self._failures["new_failures"].update(after["error_reason"].to_pylist())
        self._most["new_failures"].add(np.zeros(len(after)), before, after)

    def _add_ok(self, before: pa.Table, after: pa.Table) -> None:
        """Adds photos that have a result in both nights."""
        sides = (before, after)
        for pixels, rows, night in zip(self._pixels, sides, self._nights, strict=True):
            pixels.add(rows, night.places)
        self._add_dominant(before, after)
        for task, sums in self._shifts.items():
            first, second = (floats(rows[f"{task}_mean"]) for rows in sides)
            shift = second - first
            sums.add(shift)
            self._moved[task] += int((np.abs(shift) > _MOVED).sum())
            is_moved = np.nan_to_num(np.abs(shift)) > 0
            chosen = [rows.filter(pa.array(is_moved)) for rows in sides]
            self._most[task].add(np.abs(shift[is_moved]), *chosen)

    def _add_dominant(self, before: pa.Table, after: pa.Table) -> None:
        first, second = (
            dominant_places(rows, night.places)
            for rows, night in zip((before, after), self._nights, strict=True)
        )
        is_changed = (first != second) & (first != NONE) & (second != NONE)
        pairs = zip(
            first[is_changed].tolist(), second[is_changed].tolist(), strict=True
        )
        self._dominant.update(pairs)
        chosen = [rows.filter(pa.array(is_changed)) for rows in (before, after)]
        self._most["dominant"].add(np.zeros(int(is_changed.sum())), *chosen)

    def result(self) -> Difference:
        """Returns all that was added."""
        before, after = self._nights
        names = before.vocabulary.names
        shares = [sums.shares(before.vocabulary) for sums in self._pixels]
        moves = {task: sums.result() for task, sums in self._shifts.items()}
        return Difference(
            before=before.result(),
            after=after.result(),
            both=self._counts["both"],
            replaced=self._counts["replaced"],
            only_before=self._counts["only_before"],
            only_after=self._counts["only_after"],
            dominant_changed=self._dominant.total(),
            dominant=tuple(
                ClassChange(before=names[a], after=names[b], photos=count)
                for (a, b), count in self._dominant.most_common(_CHANGES)
            ),
            pixels=shifts(*shares),
            ratings={
                task: RatingShift(shift=spread, moved=self._moved[task])
                for task, spread in moves.items()
                if spread.count
            },
            **{name: dict(sorted(c.items())) for name, c in self._failures.items()},
            examples={
                kind: most.result(before.names, after.names)
                for kind, most in self._most.items()
            },
        )


_ALONE = ("only_before", "only_after")
