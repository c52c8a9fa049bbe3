"""Parts: the outcome of a chunk as one Parquet file, created once.

Parts are the ledger of what is done. The footer of a part names the plan that it
belongs to and counts its items; a job adds fields of its own. First writer wins: later
attempts use the part that is there and drop their own.
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.chunks import seal
from pipelines.chunks.columns import encode_table
from pipelines.chunks.counts import Counts
from pipelines.chunks.read_ahead import read_ahead
from pipelines.faults import SystemicFault

_UNREADABLE: Final = (pa.ArrowException, OSError, ValueError, KeyError)
"""What reading a damaged part raises."""

_PART_NAME: Final = re.compile(r"chunk-(\d{8,})\.parquet")
_PLAN: Final = b"fcn.plan_id"
_OK: Final = b"fcn.ok"
_FAILED: Final = b"fcn.failed"


@dataclass(frozen=True)
class Part:
    """A committed part.

    Attributes:
        rows: Those columns that were asked for.
        counts: Outcomes of the chunk's items.
        footer: The job's own fields.
        sha256: Of the whole file, in hex.
        bytes: Size of the file.
    """

    rows: pa.Table
    counts: Counts
    footer: Mapping[bytes, bytes]
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Parts:
    """The parts of one plan.

    Attributes:
        folder: Where they are.
        plan_id: Of the plan.
        schema: Columns of their rows.
        cure: What to do where a part is damaged.
        lost: What to do where a part is gone that was there.
        durable: Whether a part is on the disk as soon as it is there.
        parents: Whether their folder is made with the first one; else it must be there.
    """

    folder: str
    plan_id: str
    schema: pa.Schema
    cure: str
    lost: str = "run the same command again, once at a time"
    durable: bool = True
    parents: bool = True

    def uri(self, chunk: int) -> str:
        """Returns the name of a chunk's part."""
        return files.join(self.folder, f"chunk-{chunk:08}.parquet")

    def create(
        self,
        chunk: int,
        rows: Sequence[Mapping[str, Any]],
        *,
        counts: Counts,
        footer: Mapping[bytes, bytes],
    ) -> bool:
        """Makes a chunk visible, unless an earlier attempt did.

        First writer wins: use the `committed` part afterwards.

        Args:
            chunk: Its number.
            rows: Its rows; the same rows give the same bytes.
            counts: Outcomes of its items.
            footer: The job's own fields.

        Returns:
            Whether it was this call.
        """
        return self.add(chunk, self.encode(rows, counts=counts, footer=footer))

    def add(self, chunk: int, data: bytes) -> bool:
        """Makes a chunk visible whose part is encoded, see `create`."""
        uri = self.uri(chunk)
        return files.create_once(uri, data, durable=self.durable, parents=self.parents)

    def find(
        self,
        chunk: int,
        *,
        planned: int,
        expected: Mapping[bytes, bytes] | None = None,
        columns: Sequence[str] = (),
    ) -> Part | None:
        """Returns a chunk's part; None where there is none.

        Args:
            chunk: Its number.
            planned: Number of its items.
            expected: Fields of the footer that must be these.
            columns: Those of its rows to read.

        Raises:
            SystemicFault: It is damaged, or not the part of this chunk and plan.
        """
        try:
            part = self._read(chunk, columns=list(columns))
        except FileNotFoundError:
            return None
        for name, value in (expected or {}).items():
            if part.footer.get(name) != value:
                raise self._damaged(chunk, "a part with other items")
        if part.counts.ok + part.counts.failed != planned:
            raise self._damaged(chunk, "a part with another number of items")
        return part

    def peek(self, chunk: int) -> Counts | None:
        """Returns the counts of a chunk's part as its footer has them, unchecked.

        For those who only look on: None also where it is damaged or removed meanwhile.
        """
        try:
            with files.open_for_reading(self.uri(chunk)) as file:
                metadata = pq.read_schema(file).metadata or {}
            if metadata.get(_PLAN) != self.plan_id.encode():
                return None
            return Counts(ok=int(metadata[_OK]), failed=int(metadata[_FAILED]))
        except _UNREADABLE:
            return None

    def chunks(self) -> list[int]:
        """Returns the chunks that have a part, in order."""
        found = map(_PART_NAME.fullmatch, files.list_names(self.folder))
        return [int(match[1]) for match in found if match]

    def committed(self, chunk: int, *, columns: list[str] | None = None) -> Part:
        """Returns the part of a chunk that must have one.

        Args:
            chunk: Its number.
            columns: Which to read; all if None.

        Raises:
            SystemicFault: It is missing or damaged.
        """
        try:
            return self._read(chunk, columns=columns)
        except FileNotFoundError as error:
            raise SystemicFault(
                f"{self.uri(chunk)}: the part vanished, expected it to stay; "
                f"{self.lost}"
            ) from error

    def each(
        self, chunks: Iterable[int], *, columns: list[str] | None = None
    ) -> Iterator[Part]:
        """Yields the parts of chunks that must have one, in order, read ahead.

        Args:
            chunks: Their numbers.
            columns: Which to read; all if None.

        Raises:
            SystemicFault: One is missing or damaged.
        """
        read = functools.partial(self.committed, columns=columns)
        threads = files.parallel_reads(self.folder)
        return read_ahead(chunks, read, threads=threads, depth=threads)

    def encode(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        counts: Counts,
        footer: Mapping[bytes, bytes],
    ) -> bytes:
        """Returns a part as a file, see `create`."""
        metadata = {
            **(self.schema.metadata or {}),
            _PLAN: self.plan_id.encode(),
            _OK: str(counts.ok).encode(),
            _FAILED: str(counts.failed).encode(),
            **footer,
            seal.KEY: seal.BLANK,
        }
        table = pa.Table.from_pylist(list(rows), schema=self.schema)
        table = table.replace_schema_metadata(metadata)
        return seal.seal(encode_table(table))

    def _read(self, chunk: int, *, columns: list[str] | None) -> Part:
        data = files.read_bytes(self.uri(chunk))
        if not seal.is_whole(data):
            raise self._damaged(chunk, "a file that is no whole part")
        try:
            with pq.ParquetFile(pa.BufferReader(data)) as file:
                metadata = file.schema_arrow.metadata or {}
                if metadata.get(_PLAN) != self.plan_id.encode():
                    raise self._damaged(chunk, "a part of another plan")
                counts = Counts(ok=int(metadata[_OK]), failed=int(metadata[_FAILED]))
                is_whole = file.schema_arrow.equals(self.schema) and (
                    "status" not in self.schema.names
                    or file.metadata.num_rows == counts.ok + counts.failed
                )
                rows = file.read(columns=columns)
        except _UNREADABLE as error:
            raise self._damaged(chunk, "a file that is no whole part") from error
        if not is_whole or rows.column_names != (
            self.schema.names if columns is None else columns
        ):
            raise self._damaged(chunk, "other rows or columns")
        sha256 = hashlib.sha256(data).hexdigest()
        return Part(rows, counts, metadata, sha256, len(data))

    def _damaged(self, chunk: int, got: str) -> SystemicFault:
        return SystemicFault(
            f"{self.uri(chunk)}: got {got}, expected the part of this plan; {self.cure}"
        )
