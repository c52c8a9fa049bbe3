"""Rows of two nights joined by their photos, as streams: memory does not grow.

Both sides come sorted by URI, each URI once. What is up to the smaller of the two last
URIs is joined at once, whole columns at a time; the rest waits for what follows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_URI = "image_uri"


@dataclass(frozen=True)
class Joined:
    """A part of the join.

    Attributes:
        before: Rows of photos that both have, of the first night.
        after: The same photos' rows of the second, in the same order.
        only_before: Rows of photos that only the first has.
        only_after: Rows of photos that only the second has.
    """

    before: pa.Table
    after: pa.Table
    only_before: pa.Table
    only_after: pa.Table


def join(before: Iterable[pa.Table], after: Iterable[pa.Table]) -> Iterator[Joined]:
    """Yields the rows of two nights, joined by URI.

    Args:
        before: Rows of the first night, sorted by `image_uri`, each once.
        after: Rows of the second night, likewise.
    """
    left, right = _Side(before), _Side(after)
    while left.fill() and right.fill():
        last = min(left.last, right.last)
        yield _joined(left.take(last), right.take(last))
    while left.fill():
        rows = left.take(left.last)
        yield Joined(rows[:0], rows[:0], rows, rows[:0])
    while right.fill():
        rows = right.take(right.last)
        yield Joined(rows[:0], rows[:0], rows[:0], rows)


class _Side:
    """The rows of one night, from where the join has come to."""

    def __init__(self, tables: Iterable[pa.Table]):
        self._tables = iter(tables)
        self._rows: pa.Table | None = None

    def fill(self) -> bool:
        """Returns whether there are rows, after reading some if none wait."""
        while self._rows is None or not len(self._rows):
            self._rows = next(self._tables, None)
            if self._rows is None:
                return False
        return True

    @property
    def last(self) -> str:
        """The last URI of the rows that wait."""
        assert self._rows is not None
        return self._rows[_URI][-1].as_py()

    def take(self, last: str) -> pa.Table:
        """Returns the rows up to a URI, which wait no longer."""
        assert self._rows is not None
        count = pc.sum(pc.less_equal(self._rows[_URI], last)).as_py() or 0
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken


def _joined(before: pa.Table, after: pa.Table) -> Joined:
    where = pc.index_in(before[_URI], value_set=after[_URI].combine_chunks())
    is_both = pc.is_valid(where)
    is_known = pc.is_in(after[_URI], value_set=before[_URI].combine_chunks())
    return Joined(
        before=before.filter(is_both),
        after=after.take(where.drop_null()),
        only_before=before.filter(pc.invert(is_both)),
        only_after=after.filter(pc.invert(is_known)),
    )
