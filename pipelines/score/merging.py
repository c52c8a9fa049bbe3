"""Merging the parts of a night into its table, in a folder of our own.

The rows of a file follow from the plan alone, so its files can be merged in any order,
side by side, by whom it may be. Where there are several, each is merged as a step of
its own before the night ends; a note beside it says with which hash it was written.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.chunks import frozen, pieces
from pipelines.chunks.frozen import Identified
from pipelines.faults import SystemicFault
from pipelines.score.commit import TableFile
from pipelines.score.parts import Totals
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.rows import SCORES_SCHEMA

ROWS_PER_FILE: Final = 1_000_000
WRITER: Final = f"pyarrow {pa.__version__}"
"""The library that writes the table; another one may write other bytes."""

_ROWS_PER_GROUP: Final = 65_536


class _Note(Identified):
    """What was written as a file of the table.

    Attributes:
        note_id: Hash of everything below.
        parts: Hash of the hashes of the parts that it was made of.
    """

    id_field: ClassVar[str] = "note_id"

    note_id: str = ""
    file: TableFile
    parts: str
    writer: str


def count_files(plan: Plan) -> int:
    """Returns how many files the table of a plan has."""
    return max(1, -(-plan.planned // ROWS_PER_FILE))


def prepare(night: PlannedNight, number: int) -> None:
    """Merges a file before the night ends, if that is not done; safe to repeat.

    Raises:
        SystemicFault: The night is discarded, or a part is missing or damaged.
    """
    with night.attempted():
        if night.commit() is None and _find(night, number) is None:
            note = _write(night, number).identified()
            uri, durable = _note_uri(night, note.file.name), night.durable
            files.write_atomically(uri, note.encode(), durable=durable, parents=False)


def merge(night: PlannedNight, totals: Totals) -> list[TableFile]:
    """Writes the table, but for files that are prepared; returns its files.

    Args:
        night: The night.
        totals: What its parts add up to; a prepared file must be made of them.
    """
    if night.folder.is_shown():  # the folder was swept, and the commit is lost since
        files.make_last_folder(night.folder.merged)
    count = count_files(night.plan)
    if count == 1:
        return [merge_file(night, 0)]
    return [_find_file(night, n, totals) or merge_file(night, n) for n in range(count)]


def _find_file(night: PlannedNight, number: int, totals: Totals) -> TableFile | None:
    chunks, each = _chunks(night.plan, number), hashlib.sha256().digest_size
    expected = totals.parts[chunks.start * each : chunks.stop * each]
    note = _find(night, number)
    is_of_these = note and note.parts == hashlib.sha256(expected).hexdigest()
    return note.file if note and is_of_these else None


def _find(night: PlannedNight, number: int) -> _Note | None:
    """Returns what was prepared; whether that is whole is seen when it is shown."""
    uri = _note_uri(night, _name(night, number))
    try:
        note = frozen.read(uri, _Note, cure=night.cure)
    except SystemicFault:  # it costs a merge, no more
        return None
    if note is None or note.writer != WRITER:
        return None
    size = files.size(files.join(night.folder.merged, note.file.name))
    return note if size == note.file.bytes else None


def _name(night: PlannedNight, number: int) -> str:
    stem = f"scores{night.folder.suffix}"
    return f"{stem}-{number:05}-of-{count_files(night.plan):05}.parquet"


def _note_uri(night: PlannedNight, name: str) -> str:
    return files.join(night.folder.merged, f"{name}.json")


def merge_file(night: PlannedNight, number: int) -> TableFile:
    """Writes a file of the table."""
    return _write(night, number).file


def _write(night: PlannedNight, number: int) -> _Note:
    name, parts = _name(night, number), hashlib.sha256()
    uri, rows = files.join(night.folder.merged, name), 0
    with files.new_file(uri, durable=night.durable) as file:
        hashed = _Hashed(file)
        with pq.ParquetWriter(hashed, SCORES_SCHEMA, compression="zstd") as writer:
            for group in pieces.cut(_rows(night, number, parts), _ROWS_PER_GROUP):
                writer.write_table(group, row_group_size=group.num_rows)
                rows += group.num_rows
    size, sha256 = hashed.size, hashed.sha256
    written = TableFile(name=name, rows=rows, bytes=size, sha256=sha256)
    return _Note(file=written, parts=parts.hexdigest(), writer=WRITER)


class _Hashed(io.RawIOBase):
    """Passes on what is written, and hashes it: an upload is not read again for that.

    Args:
        file: Where it goes.
    """

    def __init__(self, file: BinaryIO):
        self._file, self._digest, self.size = file, hashlib.sha256(), 0

    @property
    def sha256(self) -> str:
        """The hash of all that was written, in hex."""
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._file.write(view)
        self._digest.update(view)
        self.size += view.nbytes
        return view.nbytes


def _items(plan: Plan, number: int) -> range:
    """Returns which of the planned items a file has rows of."""
    begin = number * ROWS_PER_FILE
    return range(begin, min(begin + ROWS_PER_FILE, plan.planned))


def _chunks(plan: Plan, number: int) -> range:
    """Returns the chunks that a file has rows of."""
    items = _items(plan, number)
    return range(items.start // plan.chunk_size, -(-items.stop // plan.chunk_size))


def _rows(
    night: PlannedNight, number: int, digest: "hashlib._Hash"
) -> Iterator[pa.Table]:
    """Yields the rows of a file, a table a chunk, cut at the file's ends.

    Args:
        night: The night.
        number: Of the file.
        digest: Is given the hash of each part.
    """
    plan = night.plan
    items, chunks = _items(plan, number), _chunks(plan, number)
    for chunk, part in zip(chunks, night.parts.each(chunks), strict=True):
        digest.update(bytes.fromhex(part.sha256))
        table = part.rows.replace_schema_metadata(SCORES_SCHEMA.metadata)
        first = chunk * plan.chunk_size
        yield table.slice(
            max(items.start - first, 0), items.stop - max(items.start, first)
        )
