"""How a night's table appears: merged from its parts, whole, and only once.

First the files are merged in a folder of ours, then one create-once `_COMMIT.json`
names them with their hashes, then they appear in OUT/scores, `_SUCCESS` last. A reader
never meets half a night, and the next attempt completes what a killed one left.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.chunks import pieces
from pipelines.chunks.pieces import Piece
from pipelines.faults import SystemicFault
from pipelines.score import index
from pipelines.score.commit import Commit, TableFile
from pipelines.score.keys import DTYPE
from pipelines.score.layout import plans_folder
from pipelines.score.parts import Totals
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.rows import SCORES_SCHEMA

ROWS_PER_FILE: Final = 1_000_000
_ROWS_PER_GROUP: Final = 65_536
_WRITER: Final = f"pyarrow {pa.__version__}"


def publish(night: PlannedNight, totals: Totals) -> Commit:
    """Commits a night and shows its table; again and again without harm.

    Returns:
        The commit. First writer wins: it may be another attempt's.

    Raises:
        SystemicFault: The night was discarded first, or the merged table is not the
            one that was committed.
    """
    try:
        commit = night.commit() or _commit(night, totals)
        show(night, commit)
    except FileNotFoundError:
        # Another attempt published all of it, and removed what was merged.
        published = night.commit()
        if published is None or not is_shown(night, published):
            raise
        return published
    return commit


def sweep(night: PlannedNight) -> None:
    """Removes what killed attempts left half-written in a published night.

    Also in the folders of the plans of this night that were discarded.
    """
    folder = night.folder
    files.remove_folder(folder.merged)
    for place in (
        folder.runs,
        folder.scores,
        folder.report,
        folder.all_masks,
        plans_folder(night.out),
    ):
        files.remove_temporaries(place)
    files.remove_temporaries(night.out, below=False)


def _commit(night: PlannedNight, totals: Totals) -> Commit:
    plan = night.plan
    attached = _attach(night, totals)
    commit = Commit(
        run_date=plan.run_date,
        sequence=plan.sequence,
        plan_id=plan.plan_id,
        planned=plan.planned,
        files=tuple(merge(night)),
        parts=attached["parts"],
        retries=attached["retries"],
        writer=_WRITER,
        ok=totals.ok,
        failed=totals.failed,
        failures=totals.failures,
        transient=totals.transient,
    ).identified()
    uri = night.folder.commit
    data = commit.encode()
    if files.create_once(uri, data, durable=night.durable, parents=False):
        return commit
    return night.commit() or commit  # the one of another attempt


def _attach(night: PlannedNight, totals: Totals) -> dict[str, tuple[Piece, ...]]:
    """Writes the files that a commit names besides the table: hashes and retries."""
    folder, durable = night.folder.pieces, night.durable
    return {
        stem: index.write(folder, stem, contents, durable=durable, parents=False)
        for stem, contents in attachments(totals).items()
    }


def attachments(totals: Totals) -> dict[str, list[bytes]]:
    """Returns the contents of the files that a commit names besides the table."""
    keys = np.frombuffer(totals.retries, DTYPE)
    return {
        "parts": [totals.parts] if totals.parts else [],
        "retries": list(index.encode([keys], totals.transient)),
    }


def show(night: PlannedNight, commit: Commit) -> None:
    """Makes the files of a commit appear where readers look, `_SUCCESS` last.

    Files that are there already are read and compared; damaged ones are replaced.

    Raises:
        SystemicFault: The merged table is not the committed one.
    """
    folder, numbers = night.folder, range(len(commit.files))
    while missing := [n for n in numbers if not _has_bytes(folder.scores, commit, n)]:
        for number in missing:
            if not _has_bytes(folder.merged, commit, number):
                _merge_again(night, commit, number)
        if all(_move(night, commit, number) for number in missing):
            break
    files.write_atomically(night.folder.success, b"", durable=night.durable)


def is_shown(night: PlannedNight, commit: Commit) -> bool:
    """Returns whether the table is there, as far as names and sizes tell."""
    folder = night.folder
    return files.exists(folder.success) and all(
        files.size(files.join(folder.scores, file.name)) == file.bytes
        for file in commit.files
    )


def _has_bytes(folder: str, commit: Commit, number: int) -> bool:
    file = commit.files[number]
    try:
        return files.sha256(files.join(folder, file.name)) == file.sha256
    except FileNotFoundError:
        return False


def _move(night: PlannedNight, commit: Commit, number: int) -> bool:
    """Shows a merged file; returns False where another attempt has moved it."""
    name = commit.files[number].name
    merged = files.join(night.folder.merged, name)
    shown = files.join(night.folder.scores, name)
    try:
        files.move(merged, shown, durable=night.durable)
    except FileNotFoundError:
        return False
    return True


def _merge_again(night: PlannedNight, commit: Commit, number: int) -> None:
    files.make_last_folder(night.folder.merged)  # it was swept
    if merge_file(night, number) != commit.files[number]:
        uri = files.join(night.folder.merged, commit.files[number].name)
        raise SystemicFault(
            f"{uri}: the merged table is not the one that was committed, written by "
            f"{commit.writer}, expected the same bytes of {_WRITER}; install the "
            "former and run the same command again"
        )


def merge(night: PlannedNight) -> list[TableFile]:
    """Writes the table into a folder of our own; returns its files."""
    if night.folder.is_shown():  # the folder was swept, and the commit is lost since
        files.make_last_folder(night.folder.merged)
    return [merge_file(night, number) for number in range(count_files(night.plan))]


def count_files(plan: Plan) -> int:
    """Returns how many files the table of a plan has."""
    return max(1, -(-plan.planned // ROWS_PER_FILE))


def merge_file(night: PlannedNight, number: int) -> TableFile:
    """Writes one file of the table into a folder of our own.

    Its rows follow from the plan alone, so files can be merged in any order, side by
    side, and by whom it may be.
    """
    name = f"scores-{number:05}-of-{count_files(night.plan):05}.parquet"
    uri, rows = files.join(night.folder.merged, name), 0
    with files.new_file(uri, durable=night.durable) as file:
        hashed = _Hashed(file)
        with pq.ParquetWriter(hashed, SCORES_SCHEMA, compression="zstd") as writer:
            for group in pieces.cut(_rows(night, number), _ROWS_PER_GROUP):
                writer.write_table(group, row_group_size=group.num_rows)
                rows += group.num_rows
    return TableFile(name=name, rows=rows, bytes=hashed.size, sha256=hashed.sha256)


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


def _rows(night: PlannedNight, number: int) -> Iterator[pa.Table]:
    """Yields the rows of a file, a table a chunk, cut at the file's ends."""
    plan, begin = night.plan, number * ROWS_PER_FILE
    end = min(begin + ROWS_PER_FILE, plan.planned)
    chunks = range(begin // plan.chunk_size, -(-end // plan.chunk_size))
    for chunk, part in zip(chunks, night.parts.each(chunks), strict=True):
        table = part.rows.replace_schema_metadata(SCORES_SCHEMA.metadata)
        first = chunk * plan.chunk_size
        yield table.slice(max(begin - first, 0), end - max(begin, first))
