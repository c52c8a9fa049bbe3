"""How a night's table appears: merged from its parts, whole, and only once.

First the files are merged in a folder of ours, then one create-once `_COMMIT.json`
names them with their hashes, then they appear in OUT/scores, `_SUCCESS` last. A reader
never meets half a night, and the next attempt completes what a killed one left.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

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
from pipelines.score.layout import PlanFolder, plans_folder
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
    files.create_once(uri, commit.encode(), durable=night.durable, parents=False)
    return night.commit() or commit


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
    folder = night.folder
    while missing := [f for f in commit.files if not _is_whole(folder.scores, f)]:
        if not all(_is_whole(folder.merged, file) for file in missing):
            merge(night)
        for file in missing:
            with contextlib.suppress(FileNotFoundError):  # another attempt moved it
                _move(folder, file, commit=commit, durable=night.durable)
    files.write_atomically(folder.success, b"", durable=night.durable)


def is_shown(night: PlannedNight, commit: Commit) -> bool:
    """Returns whether the table is there, as far as names and sizes tell."""
    folder = night.folder
    return files.exists(folder.success) and all(
        files.size(files.join(folder.scores, file.name)) == file.bytes
        for file in commit.files
    )


def _is_whole(folder: str, file: TableFile) -> bool:
    uri = files.join(folder, file.name)
    try:
        return files.size(uri) == file.bytes and files.sha256(uri) == file.sha256
    except FileNotFoundError:  # another attempt moved it
        return False


def _move(
    folder: PlanFolder, file: TableFile, *, commit: Commit, durable: bool
) -> None:
    merged = files.join(folder.merged, file.name)
    if files.sha256(merged) != file.sha256:
        raise SystemicFault(
            f"{merged}: the merged table is not the one that was committed, written by "
            f"{commit.writer}, expected the same bytes of {_WRITER}; install the "
            "former and run the same command again"
        )
    files.move(merged, files.join(folder.scores, file.name), durable=durable)


def merge(night: PlannedNight) -> list[TableFile]:
    """Writes the table into a folder of our own; returns its files."""
    folder = night.folder
    if night.commit() is not None or folder.is_shown():  # the folder was swept
        files.make_last_folder(folder.merged)
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
    with (
        files.new_file(uri, durable=night.durable) as file,
        pq.ParquetWriter(file, SCORES_SCHEMA, compression="zstd") as writer,
    ):
        for group in pieces.cut(_rows(night, number), _ROWS_PER_GROUP):
            writer.write_table(group, row_group_size=group.num_rows)
            rows += group.num_rows
    size = files.size(uri) or 0
    return TableFile(name=name, rows=rows, bytes=size, sha256=files.sha256(uri))


def _rows(night: PlannedNight, number: int) -> Iterator[pa.Table]:
    """Yields the rows of a file, a table a chunk, cut at the file's ends."""
    plan, begin = night.plan, number * ROWS_PER_FILE
    end = min(begin + ROWS_PER_FILE, plan.planned)
    chunks = range(begin // plan.chunk_size, -(-end // plan.chunk_size))
    for chunk, part in zip(chunks, night.parts.each(chunks), strict=True):
        table = part.rows.replace_schema_metadata(SCORES_SCHEMA.metadata)
        first = chunk * plan.chunk_size
        yield table.slice(max(begin - first, 0), end - max(begin, first))
