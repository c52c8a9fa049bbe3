"""Giving a finished conversion its names: shards, tables, schema, COMPLETED last."""

import hashlib
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.record import RECORD_OF
from fcn_core.records.schema import schema_pbtxt
from pipelines import files
from pipelines.convert import pieces
from pipelines.convert.drafts.draft import LABELS_KEY
from pipelines.convert.parts import Part, staged_uri
from pipelines.convert.plan import ConvertPlan, Rejected, remove_work
from pipelines.faults import SystemicFault

ROWS_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
    ]
)
"""One row for each entry that is no record, or a suspect one; paths below the input."""


@dataclass(frozen=True)
class Described:
    """A data set in words.

    Attributes:
        info: its description.
        rejected: rows of ROWS_SCHEMA, of what is no record.
        warnings: rows of ROWS_SCHEMA, of suspect records.
    """

    info: dataset_info.DatasetInfo
    rejected: list[dict[str, Any]]
    warnings: list[dict[str, Any]]


def shard_name(split: str, number: int, shards: int) -> str:
    """Returns the file name of a shard."""
    return f"{split}-{number:05}-of-{shards:05}.tfrecord"


def write_tables(out: str, described: Described) -> None:
    """Writes down what is no record, and what is a suspect one."""
    for name, rows in (
        (dataset_info.REJECTED_NAME, described.rejected),
        (dataset_info.WARNINGS_NAME, described.warnings),
    ):
        buffer = io.BytesIO()
        table = pa.Table.from_pylist(rows, schema=ROWS_SCHEMA)
        pq.write_table(table, buffer, compression="zstd")
        files.write_atomically(files.join(out, name), buffer.getvalue())


def publish(
    out: str, plan: ConvertPlan, parts: list[Part], described: Described
) -> None:
    """Gives the shards their names, describes them, says COMPLETED; repeatable."""
    info = described.info
    for chunk, part in enumerate(parts):
        split, number, _ = pieces.read_shard(out, plan.pieces, chunk)
        name = shard_name(split, number, plan.splits[split].shards)
        _show(staged_uri(out, chunk, part.sha256), files.join(out, name), part)
    texts = {
        dataset_info.SCHEMA_NAME: _schema(plan, info),
        dataset_info.LABEL_MAP_NAME: _label_map(plan, info),
        dataset_info.INFO_NAME: info.to_json(),
        dataset_info.COMPLETED_NAME: info.fingerprint + "\n",
    }
    for name, text in texts.items():
        files.write_atomically(files.join(out, name), text.encode())
    remove_work(out)


def stage_without(
    out: str, chunk: int, part: Part, dropped: Mapping[int, Rejected]
) -> Part:
    """Stages a shard again without some of its records; the first one stays, too.

    Args:
        out: The output.
        chunk: The shard.
        part: What it holds.
        dropped: Index of a record -> why it is taken out.

    Returns:
        What the new shard holds.
    """
    data = _filtered(staged_uri(out, chunk, part.sha256), dropped)
    changed = part.model_copy(
        update={
            "records": part.records - len(dropped),
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "rejected": (*part.rejected, *(dropped[i] for i in sorted(dropped))),
        }
    )
    files.write_atomically(staged_uri(out, chunk, changed.sha256), data)
    return changed


def _filtered(uri: str, dropped: Collection[int]) -> bytes:
    if not files.exists(uri):
        raise SystemicFault(_lost(uri))
    buffer = io.BytesIO()
    frames = tfrecord.read_frames(io.BytesIO(files.read_bytes(uri)))
    for index, frame in enumerate(frames):
        if index not in dropped:
            tfrecord.write_frame(buffer, frame)
    return buffer.getvalue()


def _schema(plan: ConvertPlan, info: dataset_info.DatasetInfo) -> str:
    narrower: dict[str, dict[str, Any]] = dict(plan.content.narrower)
    if info.classes is not None and LABELS_KEY not in narrower:
        narrower[LABELS_KEY] = {"maximum": max(1, len(info.classes) - 1)}
    return schema_pbtxt(RECORD_OF[info.task], narrower=narrower)


def _label_map(plan: ConvertPlan, info: dataset_info.DatasetInfo) -> str:
    content: dict[str, Any] = dict(plan.content.names)
    if info.classes is not None:
        content["classes"] = {str(i): name for i, name in enumerate(info.classes)}
        content["void"] = info.void
    return json.dumps(content, indent=1) + "\n"


def _show(staged: str, target: str, part: Part) -> None:
    """Moves a staged shard to its name, unless an interrupted attempt did."""
    if files.exists(staged):
        files.move(staged, target)
    elif not files.exists(target) or files.sha256(target) != part.sha256:
        raise SystemicFault(_lost(target))


def _lost(uri: str) -> str:
    return (
        f"{uri}: the shard is neither there nor staged; remove the output folder and "
        "convert again"
    )
