"""How a night's table appears: merged from its parts, whole, and only once.

First the files are staged, then one create-once `_COMMIT.json` names them with their
hashes, then they appear in OUT/scores, `_SUCCESS` last. A reader never meets half a
night, and whoever is killed in between is finished by the next attempt.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score.commit import commit_bytes, read_commit
from pipelines.score.layout import commit_uri, run_folder, scores_folder
from pipelines.score.parts import Totals, read_part
from pipelines.score.plan import Plan
from pipelines.score.rows import SCHEMA_VERSION, SCORES_SCHEMA

ROWS_PER_FILE: Final = 1_000_000
_ROWS_PER_GROUP: Final = 65_536
_THIS_PROCESS: Final = secrets.token_hex(8)
"""Not its number: containers that share an output all have a process 1."""


def publish(out: str, plan: Plan, totals: Totals) -> dict[str, Any]:
    """Commits a night and shows its table; again and again without harm.

    Returns:
        The commit, whoever made it.
    """
    try:
        commit = read_commit(out, plan.run_date) or _commit(out, plan, totals)
        show(out, plan, commit)
    except FileNotFoundError:
        # Another attempt published all of it, and swept our staging with the rest.
        published = read_commit(out, plan.run_date)
        if published is None or not _is_shown(out, plan):
            raise
        return published
    finally:
        files.remove_folder(_staging(out, plan))
    return commit


def sweep(out: str, plan: Plan) -> None:
    """Removes what killed attempts left half-written in a published night."""
    masks = files.join(out, "masks", f"run_date={plan.run_date}")
    scores = scores_folder(out, plan.run_date)
    for folder in (run_folder(out, plan.run_date), scores, masks):
        files.remove_temporaries(folder)
    files.remove_temporaries(files.join(out, "_runs", "plans"))


def _is_shown(out: str, plan: Plan) -> bool:
    return files.exists(files.join(scores_folder(out, plan.run_date), "_SUCCESS"))


def _commit(out: str, plan: Plan, totals: Totals) -> dict[str, Any]:
    commit = {
        "schema_version": SCHEMA_VERSION,
        "run_date": plan.run_date,
        "sequence": plan.sequence,
        "plan_id": plan.plan_id,
        "verdict": "success",
        "planned": plan.planned,
        "ok": totals.ok,
        "failed": totals.failed,
        "failures": totals.failures,
        "transient": totals.transient,
        "files": _stage(out, plan),
    }
    files.create_once(commit_uri(out, plan.run_date), commit_bytes(commit))
    # Whoever made it: what it says is what counts.
    return read_commit(out, plan.run_date) or commit


def show(out: str, plan: Plan, commit: Mapping[str, Any]) -> None:
    """Makes the files of a commit appear where readers look, `_SUCCESS` last."""
    if _is_shown(out, plan):
        return
    folder = scores_folder(out, plan.run_date)
    missing = [file for file in commit["files"] if not _shown(folder, file)]
    if missing and not files.exists(_staging(out, plan)):
        _stage(out, plan)
    for file in missing:
        _move(files.join(_staging(out, plan), file["name"]), folder, file)
    files.write_atomically(files.join(folder, "_SUCCESS"), b"")


def _staging(out: str, plan: Plan) -> str:
    return files.join(run_folder(out, plan.run_date), f".staging-{_THIS_PROCESS}.tmp")


def _shown(folder: str, file: Mapping[str, Any]) -> bool:
    uri = files.join(folder, file["name"])
    return files.exists(uri) and files.sha256(uri) == file["sha256"]


def _move(staged: str, folder: str, file: Mapping[str, Any]) -> None:
    if files.sha256(staged) != file["sha256"]:
        raise SystemicFault(
            f"{staged}: the merged table is not the one that was committed (another "
            "version of pyarrow?); publish it with the version that committed it"
        )
    files.move(staged, files.join(folder, file["name"]))


def _stage(out: str, plan: Plan) -> list[dict[str, Any]]:
    """Writes the merged table into a folder of our own; returns names and hashes."""
    count = max(1, -(-plan.planned // ROWS_PER_FILE))
    batches = _regrouped(out, plan)
    staged = []
    for number in range(count):
        rows = min(ROWS_PER_FILE, plan.planned - number * ROWS_PER_FILE)
        name = f"scores-{number:05}-of-{count:05}.parquet"
        uri = files.join(_staging(out, plan), name)
        path = files.to_path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, SCORES_SCHEMA, compression="zstd") as writer:
            written = 0
            while written < rows:
                group = next(batches)
                writer.write_table(group, row_group_size=group.num_rows)
                written += group.num_rows
        staged.append({"name": name, "rows": written, "sha256": files.sha256(uri)})
    return staged


def _regrouped(out: str, plan: Plan) -> Iterator[pa.Table]:
    """Yields the rows of all parts in order, in groups that end where files end."""
    waiting: list[pa.Table] = []
    size = position = 0
    for chunk in range(plan.chunks):
        table = read_part(out, plan, chunk).replace_schema_metadata(
            SCORES_SCHEMA.metadata
        )
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
