"""Listed photos outside memory: in the order of their URIs, and as keys."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.keys import Keys, keys_of
from pipelines.score.sorting import sort_unique
from pipelines.score.spill import Buckets, KeySpill, Spill

Marks = NDArray[np.uint8]
"""A byte a photo, in the order of the photos."""


class Photos:
    """Photos of an input.

    Args:
        tables: Of LISTING_SCHEMA, sorted by URI from one to the next, each URI once.

    Attributes:
        num_rows: How many they are.
    """

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self.num_rows = 0
        self._rows, self._keys = Spill(LISTING_SCHEMA), KeySpill()
        for table in tables:
            for batch in table.combine_chunks().to_batches():
                self._rows.add(batch)
            self._keys.add(keys_of(table))
            self.num_rows += table.num_rows

    @classmethod
    def sorted(cls, tables: Iterable[pa.Table]) -> "Photos":
        """Returns photos that come in any order, some perhaps twice."""
        return cls(sort_unique(tables, LISTING_SCHEMA))

    def tables(self) -> Iterator[pa.Table]:
        """Yields the photos in their order, as tables of LISTING_SCHEMA."""
        for number in range(len(self._rows)):
            yield self._rows.read([number])

    def mark(self, bits: int, decide: Callable[[int, Keys], Marks]) -> Marks:
        """Returns a mark for each photo, decided for a bucket of them at a time.

        Args:
            bits: The number of buckets is two to the power of it.
            decide: Takes the number of a bucket, and keys of photos that are in it;
                returns their marks.
        """
        buckets = Buckets.numbered(self._keys, bits)
        marks = np.zeros(self.num_rows, np.uint8)
        for number in range(len(buckets)):
            found = buckets.read(number)
            if found.size:
                marks[found["row"]] = decide(number, found["key"])
        return marks


@dataclass(frozen=True)
class Chosen:
    """Some of the photos, in their order.

    Attributes:
        is_chosen: For each photo.
    """

    photos: Photos
    is_chosen: NDArray[np.bool_]

    @property
    def num_rows(self) -> int:
        """How many are chosen."""
        return int(np.count_nonzero(self.is_chosen))

    def tables(self) -> Iterator[pa.Table]:
        """Yields them as tables of LISTING_SCHEMA."""
        if not self.num_rows:
            return
        first = 0
        for table in self.photos.tables():
            chosen = self.is_chosen[first : first + table.num_rows]
            first += table.num_rows
            if chosen.any():
                yield table.filter(pa.array(chosen))
