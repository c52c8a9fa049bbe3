"""What does not fit into memory: record batches and keys in nameless temporary files.

A file without a name is gone with the process, however that ends. They lie where the
system keeps temporary files (TMPDIR).
"""

import math
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines import files
from pipelines.score import keys
from pipelines.score.keys import Keys

BUCKET_KEYS: Final = 1 << 18
"""About how many keys a bucket has: 4 MiB, which a processor's cache holds."""

_WAITING_KEYS: Final = 1 << 20
_MOST_BITS: Final = 16

_KEYED_ROW: Final = np.dtype([("key", keys.DTYPE), ("row", np.int64)])


class _File:
    """A nameless file that is written to its end, and read anywhere."""

    def __init__(self) -> None:
        with files.named(tempfile.gettempdir()):
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._end = 0

    def add(self, data: Any) -> tuple[int, int]:
        """Writes bytes; returns where they lie, and how many they are."""
        view = memoryview(data).cast("B")
        with files.named(tempfile.gettempdir()):
            self._file.seek(self._end)
            self._file.write(view)
        start, self._end = self._end, self._end + view.nbytes
        return start, view.nbytes

    def read(self, start: int, size: int) -> bytes:
        with files.named(tempfile.gettempdir()):
            self._file.seek(start)
            return self._file.read(size)


class Spill:
    """Record batches of one schema, each of which can be read again."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema, self._file = schema, _File()
        self._places: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, batch: pa.RecordBatch) -> None:
        """Writes a batch."""
        self._places.append(self._file.add(batch.serialize()))

    def read(self, numbers: Iterable[int]) -> pa.Table:
        """Returns some batches as one table."""
        batches = [
            pa.ipc.read_record_batch(
                pa.py_buffer(self._file.read(*self._places[number])), self._schema
            )
            for number in numbers
        ]
        return pa.Table.from_batches(batches, schema=self._schema)


class KeySpill:
    """Keys in the order in which they came."""

    def __init__(self) -> None:
        self._file = _File()
        self._places: list[tuple[int, int]] = []

    def add(self, some: Keys) -> None:
        """Writes keys."""
        self._places.append(self._file.add(np.ascontiguousarray(some).view(np.uint8)))

    def blocks(self) -> Iterator[Keys]:
        """Yields the keys, a block as it came."""
        for place in self._places:
            yield np.frombuffer(self._file.read(*place), keys.DTYPE)


class Buckets:
    """Keys apart by their first bits, so that sets are compared a bucket at a time.

    Args:
        bits: The number of buckets is two to the power of it.
        has_rows: Whether each key has a number: of a row, or whatever is told by it.
    """

    def __init__(self, bits: int, *, has_rows: bool = False) -> None:
        self.bits = bits
        self._dtype = _KEYED_ROW if has_rows else keys.DTYPE
        self._file = _File()
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(1 << bits)]
        self._waiting, self._waiting_keys = list[NDArray[Any]](), 0

    @classmethod
    def of(cls, blocks: Iterable[Keys], bits: int) -> "Buckets":
        """Returns the buckets of all keys of some blocks."""
        buckets = cls(bits)
        for block in blocks:
            buckets.add(block)
        return buckets

    @classmethod
    def numbered(cls, keys: KeySpill, bits: int) -> "Buckets":
        """Returns the buckets of keys with their places, from 0."""
        buckets, first = cls(bits, has_rows=True), 0
        for block in keys.blocks():
            buckets.add(block, number=np.arange(first, first + block.size))
            first += block.size
        return buckets

    def __len__(self) -> int:
        return len(self._places)

    def add(self, some: Keys, *, number: int | NDArray[np.int64] = 0) -> None:
        """Takes keys, which need no order, with their numbers."""
        records: NDArray[Any] = np.empty(some.size, self._dtype)
        if self._dtype.names is None:
            records[:] = some
        else:
            records["key"] = some
            records["row"] = number
        self._waiting.append(records)
        self._waiting_keys += some.size
        if self._waiting_keys >= _WAITING_KEYS:
            self._flush()

    def _flush(self) -> None:
        """Writes what waits, bucket after bucket."""
        records = np.concatenate([*self._waiting, np.empty(0, self._dtype)])
        some = records if self._dtype.names is None else records["key"]
        self._waiting, self._waiting_keys = [], 0
        bucket = bucket_of(some, self.bits)
        order = np.argsort(bucket, kind="stable")
        start, _ = self._file.add(records[order].view(np.uint8))
        size = self._dtype.itemsize
        numbers, counts = np.unique(bucket, return_counts=True)
        for place, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self._places[place].append((start, count * size))
            start += count * size

    def read(self, number: int) -> NDArray[Any]:
        """Returns the keys of a bucket; with rows, fields `key` and `row`."""
        if self._waiting:
            self._flush()
        found = (self._file.read(*place) for place in self._places[number])
        return np.frombuffer(b"".join(found), self._dtype)


def bits_for(count: int, *, each: int = BUCKET_KEYS) -> int:
    """Returns how many bits tell so many keys into buckets of about `each`."""
    return min(max(math.ceil(math.log2(max(count, 1) / each)), 0), _MOST_BITS)


def bucket_of(some: Keys, bits: int) -> NDArray[np.uint16]:
    """Returns the bucket of each key: its first bits."""
    if bits == 0 or some.size == 0:
        return np.zeros(some.size, np.uint16)
    octets = np.ascontiguousarray(some).view(np.uint8).reshape(-1, keys.BYTES)
    first = octets[:, 0].astype(np.uint16) << 8 | octets[:, 1]
    return (first >> (_MOST_BITS - bits)).astype(np.uint16)
