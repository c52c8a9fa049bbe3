"""An external merge sort of listed photos by their URI, each URI once.

Runs that fit into memory are sorted and spilled in small batches. Then the range of
URIs is cut where batches begin, and each cut is read from all runs and sorted at once:
whole columns at a time, no step a photo.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.score.spill import Spill

_RUN_BYTES: Final = 64 << 20
_RUN_ROWS: Final = 1 << 19
_BATCHES: Final = 128  # a run, and a cut


@dataclass(frozen=True)
class _Run:
    """A sorted run in the spill.

    Attributes:
        start: The number of its first batch.
        firsts: The first URI of each of its batches.
    """

    start: int
    firsts: Sequence[str]

    def between(self, low: str | None, high: str | None) -> range:
        """Returns the batches that may hold URIs from `low` to below `high`."""
        # Rows of the URI `low` itself may end the batch before.
        begin = 0 if low is None else max(bisect_left(self.firsts, low) - 1, 0)
        end = len(self.firsts) if high is None else bisect_left(self.firsts, high)
        return range(self.start + begin, self.start + end)


def sort_unique(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yields rows sorted by `image_uri`, the first of each.

    Args:
        tables: Rows of the schema, in any order.
        schema: It has a column `image_uri`.
    """
    spill, runs = Spill(schema), list[_Run]()
    blocks = _blocks(tables, schema)
    block = next(blocks, None)
    for following in blocks:
        runs.append(_spill(spill, block))
        block = following
    if block is not None and not runs:
        yield _sorted(block)
    elif block is not None:
        runs.append(_spill(spill, block))
        yield from _merge(spill, runs)


def _blocks(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Joins tables to blocks of the size of a run."""
    waiting, rows, size = list[pa.Table](), 0, 0
    for table in tables:
        waiting.append(table)
        rows, size = rows + table.num_rows, size + table.nbytes
        if rows >= _RUN_ROWS or size >= _RUN_BYTES:
            yield pa.concat_tables(waiting)
            waiting, rows, size = [], 0, 0
    if rows:
        yield pa.concat_tables([schema.empty_table(), *waiting])


def _spill(spill: Spill, block: pa.Table) -> _Run:
    start, rows = len(spill), _sorted(block)
    size = -(-rows.num_rows // _BATCHES)
    firsts = []
    for batch in rows.to_batches(max_chunksize=size):
        firsts.append(batch["image_uri"][0].as_py())
        spill.add(batch)
    return _Run(start, firsts)


def _merge(spill: Spill, runs: Sequence[_Run]) -> Iterator[pa.Table]:
    begins = sorted(first for run in runs for first in run.firsts)
    cuts = list(dict.fromkeys(begins[_BATCHES::_BATCHES]))
    for low, high in zip([None, *cuts], [*cuts, None], strict=True):
        numbers = (number for run in runs for number in run.between(low, high))
        yield _sorted(_within(spill.read(numbers), low, high))


def _within(rows: pa.Table, low: str | None, high: str | None) -> pa.Table:
    if low is not None:
        rows = rows.filter(pc.greater_equal(rows["image_uri"], low))
    if high is not None:
        rows = rows.filter(pc.less(rows["image_uri"], high))
    return rows


def _sorted(rows: pa.Table) -> pa.Table:
    """Returns rows in one piece, in the order of their URIs, each URI once."""
    rows = rows.combine_chunks()
    if rows.num_rows < 2:
        return rows
    if not pc.all(_compare(rows, pc.less)).as_py():
        rows = rows.sort_by("image_uri").combine_chunks()
        is_other = _compare(rows, pc.not_equal)
        if not pc.all(is_other).as_py():
            rows = rows.filter(pa.concat_arrays([pa.array([True]), is_other]))
    return rows.combine_chunks()


def _compare(rows: pa.Table, function: object) -> pa.Array:
    """Compares each URI with the one after it."""
    uris = rows["image_uri"].chunk(0)
    return function(uris.slice(0, len(uris) - 1), uris.slice(1))  # type: ignore[operator]
