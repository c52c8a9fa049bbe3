"""The rows of a night: parts while it runs, one published table when it is committed.

A part holds the rows of one chunk and is created once; parts are the ledger until the
night is committed. `publish` merges them into OUT/scores, which readers see only whole:
first the files are staged, then one create-once `_COMMIT.json` names them with their
hashes, then they appear, `_SUCCESS` last. A reader never meets half a night.
"""

import io
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fcn_core.bad_image import TRANSIENT_REASONS
from pipelines import files
from pipelines.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.plan import Plan, items_sha256, run_folder

SCHEMA_VERSION: Final = 1
ROWS_PER_FILE: Final = 1_000_000
_ROWS_PER_GROUP: Final = 65_536
_THIS_PROCESS: Final = secrets.token_hex(8)
"""Not its number: containers that share an output all have a process 1."""

SCORES_SCHEMA: Final = pa.schema(
    [
        pa.field("image_key", pa.string(), nullable=False),
        pa.field("image_uri", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("sha256", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("error_stage", pa.string()),
        pa.field("error_reason", pa.string()),
        pa.field("error_detail", pa.string()),
        pa.field("segmentation_classes", pa.list_(pa.int32())),
        pa.field("segmentation_pixels", pa.list_(pa.int64())),
        pa.field("dominant_class", pa.int32()),
        pa.field("mask_path", pa.string()),
        pa.field("mask_sha256", pa.string()),
        pa.field("aesthetics_ratings", pa.list_(pa.float32())),
        pa.field("aesthetics_mean", pa.float32()),
        pa.field("aesthetics_std", pa.float32()),
        pa.field("models", pa.string(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("decode_policy", pa.int32(), nullable=False),
    ],
    metadata={"fcn.schema_version": str(SCHEMA_VERSION)},
)
"""One row per planned image, ok or failed. No column depends on when it was made."""

Row = dict[str, Any]


def scores_folder(out: str, run_date: str) -> str:
    """Returns the folder of a night's published table."""
    return files.join(out, "scores", f"run_date={run_date}")


def report_folder(out: str, run_date: str) -> str:
    """Returns the folder of a night's page and summary."""
    return files.join(out, "report", f"run_date={run_date}")


def page_uri(out: str, run_date: str) -> str:
    """Returns the name of a night's page."""
    return files.join(report_folder(out, run_date), "index.html")


def part_uri(out: str, plan: Plan, chunk: int) -> str:
    """Returns the name of a chunk's part."""
    folder = run_folder(out, plan.run_date)
    return files.join(folder, "parts", f"chunk-{chunk:08}.parquet")


def write_part(
    out: str, plan: Plan, chunk: int, *, items: pa.Table, rows: Sequence[Row]
) -> bool:
    """Makes a chunk visible, if nobody did before.

    Args:
        out: The output.
        plan: The night's plan.
        chunk: The chunk's number.
        items: The chunk's planned items.
        rows: One row per item, in the items' order.

    Returns:
        Whether it was this call.

    Raises:
        SystemicFault: the rows are not one per item.
    """
    keys = [row["image_key"] for row in rows]
    if keys != items["image_key"].to_pylist():
        raise SystemicFault(
            f"chunk {chunk}: got {len(rows)} rows, expected one for each of its "
            f"{items.num_rows} items in their order; this is a fault of the program"
        )
    failed = sum(row["status"] == "failed" for row in rows)
    table = pa.Table.from_pylist(list(rows), schema=SCORES_SCHEMA)
    metadata = {
        **SCORES_SCHEMA.metadata,
        b"fcn.plan_id": plan.plan_id.encode(),
        b"fcn.items_sha256": items_sha256(items).encode(),
        b"fcn.ok": str(len(rows) - failed).encode(),
        b"fcn.failed": str(failed).encode(),
    }
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), buffer, compression="zstd")
    return files.create_once(part_uri(out, plan, chunk), buffer.getvalue())


def read_part_counts(
    out: str, plan: Plan, chunk: int, *, items: pa.Table | None = None
) -> Counts | None:
    """Returns what a chunk's part says became of its items; None without a part.

    Args:
        out: The output.
        plan: The night's plan.
        chunk: The chunk's number.
        items: The chunk's planned items, to compare with; None compares the plan only.

    Raises:
        SystemicFault: the part is damaged or belongs to something else.
    """
    uri = part_uri(out, plan, chunk)
    try:
        schema = pq.read_schema(files.to_path(uri))
    except FileNotFoundError:
        return None
    except (pa.ArrowInvalid, OSError) as error:
        raise SystemicFault(_damaged(uri, "a file that is not Parquet")) from error
    said = schema.metadata or {}
    if said.get(b"fcn.plan_id", b"").decode() != plan.plan_id:
        raise SystemicFault(_damaged(uri, "a part of another plan"))
    if items is not None and (
        said.get(b"fcn.items_sha256", b"").decode() != items_sha256(items)
    ):
        raise SystemicFault(_damaged(uri, "a part with other items"))
    return Counts(ok=int(said[b"fcn.ok"]), failed=int(said[b"fcn.failed"]))


def _damaged(uri: str, got: str) -> str:
    return (
        f"{uri}: got {got}, expected the part of this plan; move it away, and the same "
        "command computes it again"
    )


def read_part(
    out: str, plan: Plan, chunk: int, *, columns: list[str] | None = None
) -> pa.Table:
    """Returns the rows of a committed chunk, all columns or some.

    Raises:
        SystemicFault: the part is missing or damaged.
    """
    uri = part_uri(out, plan, chunk)
    try:
        return pq.read_table(files.to_path(uri), columns=columns, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        raise SystemicFault(_damaged(uri, "no readable file")) from error


@dataclass(frozen=True)
class Totals:
    """What the committed parts of a night add up to.

    Attributes:
        ok: Images with a result.
        failed: Images with a reason.
        failures: Number of images for each reason.
        transient: Failed images whose reason may pass, which later nights retry.
    """

    ok: int
    failed: int
    failures: dict[str, int]
    transient: int


def total(out: str, plan: Plan) -> Totals:
    """Counts the rows of all parts.

    Raises:
        SystemicFault: planned = ok + failed does not hold.
    """
    ok = failed = 0
    failures: dict[str, int] = {}
    for chunk in range(plan.chunks):
        table = read_part(out, plan, chunk, columns=["status", "error_reason"])
        ok += pc.sum(pc.equal(table["status"], "ok")).as_py() or 0
        reasons = table.filter(pc.equal(table["status"], "failed"))["error_reason"]
        failed += len(reasons)
        for reason in reasons.to_pylist():
            failures[reason] = failures.get(reason, 0) + 1
    if ok + failed != plan.planned:
        raise SystemicFault(
            f"run_date={plan.run_date}: got {ok} ok + {failed} failed rows, expected "
            f"{plan.planned} as planned; nothing is published"
        )
    transient = sum(n for reason, n in failures.items() if reason in TRANSIENT_REASONS)
    return Totals(ok, failed, dict(sorted(failures.items())), transient)


def table_uris(out: str, run_date: str) -> list[str]:
    """Returns the files that hold a night's rows: its table, or its parts before."""
    published = _parquet_files(scores_folder(out, run_date))
    return published or _parquet_files(files.join(run_folder(out, run_date), "parts"))


def _parquet_files(folder: str) -> list[str]:
    return [
        files.join(folder, name)
        for name in files.list_names(folder)
        if name.endswith(".parquet")
    ]


def commit_uri(out: str, run_date: str) -> str:
    """Returns the name of a night's commit."""
    return files.join(run_folder(out, run_date), "_COMMIT.json")


def read_commit(out: str, run_date: str) -> dict[str, Any] | None:
    """Returns a night's commit, None while it is open."""
    try:
        return json.loads(files.read_bytes(commit_uri(out, run_date)))
    except FileNotFoundError:
        return None


def publish(out: str, plan: Plan, totals: Totals) -> dict[str, Any]:
    """Commits a night and shows its table; again and again without harm.

    Returns:
        The commit, whoever made it.
    """
    try:
        commit = read_commit(out, plan.run_date) or _commit(out, plan, totals)
        show(out, plan, commit)
    finally:
        files.remove_folder(_staging(out, plan))
    return commit


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
    data = (json.dumps(commit, indent=1, sort_keys=True) + "\n").encode()
    if files.create_once(commit_uri(out, plan.run_date), data):
        return commit
    return read_commit(out, plan.run_date) or commit


def show(out: str, plan: Plan, commit: Mapping[str, Any]) -> None:
    """Makes the files of a commit appear where readers look, `_SUCCESS` last."""
    folder = scores_folder(out, plan.run_date)
    if files.exists(files.join(folder, "_SUCCESS")):
        return
    missing = [file for file in commit["files"] if not _shown(folder, file)]
    if missing and not files.exists(_staging(out, plan)):
        _stage(out, plan)
    for file in missing:
        _move(files.join(_staging(out, plan), file["name"]), folder, file)
    files.write_atomically(files.join(folder, "_SUCCESS"), b"")


def _staging(out: str, plan: Plan) -> str:
    return files.join(run_folder(out, plan.run_date), f".staging-{_THIS_PROCESS}")


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


def failed_rows(out: str, plan: Plan) -> pa.Table:
    """Returns the rows of a committed night that have no result."""
    tables = [
        part.filter(pc.equal(part["status"], "failed"))
        for part in (read_part(out, plan, chunk) for chunk in range(plan.chunks))
    ]
    return pa.concat_tables([SCORES_SCHEMA.empty_table(), *tables])


def transient_failures(out: str, plan: Plan) -> pa.Table:
    """Returns (image_uri, version) of a committed night's failures that may pass."""
    columns = ["image_uri", "version"]
    commit = read_commit(out, plan.run_date)
    if commit is None or commit["transient"] == 0:
        return SCORES_SCHEMA.empty_table().select(columns)
    failed = failed_rows(out, plan)
    may_pass = pc.is_in(failed["error_reason"], pa.array(sorted(TRANSIENT_REASONS)))
    return failed.filter(may_pass).select(columns)
