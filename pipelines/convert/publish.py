"""Giving a finished conversion its names: shards, tables, schema, COMPLETED last."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from fcn_core import images
from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.record import RECORD_OF, SegmentationRecord
from fcn_core.records.schema import schema_pbtxt
from pipelines import files
from pipelines.chunks.columns import encode_table
from pipelines.convert.drafts.draft import LABELS_KEY
from pipelines.convert.layout import DatasetFolder
from pipelines.convert.parts import StagedShard
from pipelines.convert.plan import Conversion, ConvertPlan, Rejected
from pipelines.faults import SystemicFault

ROWS_SCHEMA: Final = pa.schema(
    pa.field(name, pa.string(), nullable=False)
    for name in (*Rejected.model_fields, "split")
)
"""A row for each entry that is no record, or a suspect one; paths below the input."""


@dataclass(frozen=True)
class Described:
    """A data set in words.

    Attributes:
        info: Its description.
        rejected: Splits and rows of what is no record.
        warnings: Splits and rows of suspect records.
    """

    info: dataset_info.DatasetInfo
    rejected: list[tuple[str, Rejected]]
    warnings: list[tuple[str, Rejected]]


def write_tables(folder: DatasetFolder, described: Described) -> None:
    """Writes the tables of what is no record, and of suspect records."""
    for name, rows in (
        (dataset_info.REJECTED_NAME, described.rejected),
        (dataset_info.WARNINGS_NAME, described.warnings),
    ):
        values = [{**row.model_dump(), "split": split} for split, row in rows]
        table = pa.Table.from_pylist(values, schema=ROWS_SCHEMA)
        files.write_atomically(folder.file(name), encode_table(table))


def publish(
    conversion: Conversion, shards: Sequence[StagedShard], described: Described
) -> None:
    """Gives the shards their names, describes them, says COMPLETED.

    Done again after a kill, it gives the same files.
    """
    folder, plan, info = conversion.folder, conversion.plan, described.info
    names = [
        folder.shard(split, number, shards=planned.shards)
        for split, planned in plan.splits.items()
        for number in range(planned.shards)
    ]
    for chunk, (name, shard) in enumerate(zip(names, shards, strict=True)):
        _show(folder.staged(chunk, shard.sha256), name, shard)
    texts = {
        dataset_info.SCHEMA_NAME: _schema(plan, info),
        dataset_info.LABEL_MAP_NAME: _label_map(plan, info),
        dataset_info.INFO_NAME: info.to_json(),
        dataset_info.COMPLETED_NAME: info.fingerprint + "\n",
    }
    for name, text in texts.items():
        files.write_atomically(folder.file(name), text.encode())
    folder.sweep()


def stage_without(
    folder: DatasetFolder,
    chunk: int,
    *,
    shard: StagedShard,
    dropped: Mapping[int, Rejected],
) -> StagedShard:
    """Stages a shard again without some of its records; returns the new shard.

    The first shard stays, too: what is done here is done again after a kill.

    Args:
        folder: The output.
        chunk: The shard's number.
        shard: The shard.
        dropped: Index of a record -> why it is taken out.
    """
    pixels = Counter(shard.pixels)
    data = _filtered(folder.staged(chunk, shard.sha256), dropped, pixels)
    changed = replace(
        shard,
        records=shard.records - len(dropped),
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        pixels=dict(sorted((+pixels).items())),
        rejected=(*shard.rejected, *(dropped[i] for i in sorted(dropped))),
    )
    files.write_atomically(folder.staged(chunk, changed.sha256), data)
    return changed


def _filtered(uri: str, dropped: Collection[int], pixels: Counter[int]) -> bytes:
    """Returns a shard without some records; takes their labels' pixels off."""
    if not files.exists(uri):
        raise SystemicFault(_lost(uri))
    buffer = io.BytesIO()
    frames = tfrecord.read_frames(io.BytesIO(files.read_bytes(uri)))
    for index, frame in enumerate(frames):
        if index not in dropped:
            tfrecord.write_frame(buffer, frame)
        elif pixels:
            label = images.decode_mask(SegmentationRecord.parse(frame).label)
            counts = images.count_values(label)
            pixels.subtract({n: int(counts[n]) for n in counts.nonzero()[0].tolist()})
    return buffer.getvalue()


def _schema(plan: ConvertPlan, info: dataset_info.DatasetInfo) -> str:
    # By keyword of `Feature`, whose values are of many types.
    narrower: dict[str, Mapping[str, object]] = dict(plan.content.narrower)
    if info.classes is not None and LABELS_KEY not in narrower:
        narrower[LABELS_KEY] = {"maximum": max(1, len(info.classes) - 1)}
    return schema_pbtxt(RECORD_OF[info.task], narrower=narrower)


def _label_map(plan: ConvertPlan, info: dataset_info.DatasetInfo) -> str:
    content: dict[str, object] = dict(plan.content.names)  # and the number of void
    if info.classes is not None:
        content["classes"] = {str(i): name for i, name in enumerate(info.classes)}
        content["void"] = info.void
    return json.dumps(content, indent=1) + "\n"


def _show(staged: str, target: str, shard: StagedShard) -> None:
    """Moves a staged shard to its name, unless an interrupted attempt did."""
    if files.exists(staged):
        files.move(staged, target)
    elif not files.exists(target) or files.sha256(target) != shard.sha256:
        raise SystemicFault(_lost(target))


def _lost(uri: str) -> str:
    return (
        f"{uri}: the shard is neither there nor staged; remove the output folder and "
        "convert again"
    )
