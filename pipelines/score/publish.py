"""How a night's table appears: merged from its parts, whole, and only once.

First the files are staged, then one create-once `_COMMIT.json` names them with their
hashes, then they appear in OUT/scores, `_SUCCESS` last. A reader never meets half a
night, and the next attempt completes what a killed one left.
"""

import secrets
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score.commit import Commit, TableFile, read_commit
from pipelines.score.layout import plans_folder
from pipelines.score.parts import Totals
from pipelines.score.plan import PlannedNight
from pipelines.score.rows import SCHEMA_VERSION, SCORES_SCHEMA

ROWS_PER_FILE: Final = 1_000_000
_ROWS_PER_GROUP: Final = 65_536


def publish(night: PlannedNight, totals: Totals) -> Commit:
    """Commits a night and shows its table; again and again without harm.

    Returns:
        The commit. First writer wins: it may be another attempt's.
    """
    # Not the process's number: containers that share an output all have a process 1.
    staging = night.folder.staging(secrets.token_hex(8))
    try:
        commit = read_commit(night.folder) or _commit(night, totals, staging)
        show(night, commit, staging)
    except FileNotFoundError:
        # Another attempt published all of it, and swept our staging with the rest.
        published = read_commit(night.folder)
        if published is None or not files.exists(night.folder.success):
            raise
        return published
    finally:
        files.remove_folder(staging)
    return commit


def sweep(night: PlannedNight) -> None:
    """Removes what killed attempts left half-written in a published night."""
    folder = night.folder
    for place in (folder.run, folder.scores, folder.masks, plans_folder(night.out)):
        files.remove_temporaries(place)


def _commit(night: PlannedNight, totals: Totals, staging: str) -> Commit:
    plan = night.plan
    commit = Commit(
        schema_version=SCHEMA_VERSION,
        run_date=plan.run_date,
        sequence=plan.sequence,
        plan_id=plan.plan_id,
        planned=plan.planned,
        files=tuple(stage(night, staging)),
        **vars(totals),
    ).identified()
    files.create_once(night.folder.commit, commit.encode())
    return read_commit(night.folder) or commit


def show(night: PlannedNight, commit: Commit, staging: str) -> None:
    """Makes the files of a commit appear where readers look, `_SUCCESS` last.

    Args:
        night: The night.
        commit: Its commit.
        staging: Where this attempt has merged the table, or will.

    Raises:
        SystemicFault: The merged table is not the committed one.
    """
    folder = night.folder
    if files.exists(folder.success):
        return
    missing = [file for file in commit.files if not _is_shown(folder.scores, file)]
    if missing and not files.exists(staging):
        stage(night, staging)
    for file in missing:
        _move(files.join(staging, file.name), folder.scores, file)
    files.write_atomically(folder.success, b"")


def _is_shown(folder: str, file: TableFile) -> bool:
    uri = files.join(folder, file.name)
    return files.exists(uri) and files.sha256(uri) == file.sha256


def _move(staged: str, folder: str, file: TableFile) -> None:
    if files.sha256(staged) != file.sha256:
        raise SystemicFault(
            f"{staged}: the merged table is not the one that was committed (another "
            "version of pyarrow?); publish it with the version that committed it"
        )
    files.move(staged, files.join(folder, file.name))


def stage(night: PlannedNight, staging: str) -> list[TableFile]:
    """Writes the merged table into a folder of our own; returns names and hashes."""
    planned = night.plan.planned
    count = max(1, -(-planned // ROWS_PER_FILE))
    groups = _regroup(night)
    staged = []
    for number in range(count):
        rows = min(ROWS_PER_FILE, planned - number * ROWS_PER_FILE)
        name = f"scores-{number:05}-of-{count:05}.parquet"
        uri = files.join(staging, name)
        path = files.to_path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, SCORES_SCHEMA, compression="zstd") as writer:
            written = 0
            while written < rows:
                group = next(groups)
                writer.write_table(group, row_group_size=group.num_rows)
                written += group.num_rows
        staged.append(TableFile(name=name, rows=written, sha256=files.sha256(uri)))
    return staged


def _regroup(night: PlannedNight) -> Iterator[pa.Table]:
    """Yields the rows of all parts in order, in groups that end where files end."""
    waiting: list[pa.Table] = []
    size = position = 0
    for chunk in range(night.plan.chunks):
        table = night.parts.committed(chunk).rows
        table = table.replace_schema_metadata(SCORES_SCHEMA.metadata)
        while table.num_rows:
            to_file_end = ROWS_PER_FILE - position % ROWS_PER_FILE
            group_size = min(_ROWS_PER_GROUP, to_file_end)
            taken = table.slice(0, group_size - size)
            table = table.slice(taken.num_rows)
            waiting.append(taken)
            size += taken.num_rows
            if size == group_size:
                yield pa.concat_tables(waiting).combine_chunks()
                position += size
                waiting, size = [], 0
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()
