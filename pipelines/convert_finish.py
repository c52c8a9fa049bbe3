"""How a data set is finished: every line accounted for, gates passed, shards named.

Each step can be repeated, so a kill between two of them costs nothing; `COMPLETED` is
written last, and readers refuse a folder without it.
"""

import io
import json
from collections import Counter
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from fcn_core import dataset_info
from fcn_core.labels import VOC_CLASSES, VOID
from fcn_core.records import SegmentationRecord, schema_pbtxt
from pipelines import convert_plan, files, gates
from pipelines.convert_parts import Part, committed_part, staged_uri
from pipelines.convert_plan import Conversion, ConvertPlan, work_uri
from pipelines.counts import Counts
from pipelines.faults import AboveThreshold, SystemicFault

REJECTED_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
    ]
)
"""One row for each list line that did not become a record; paths below the input."""


def shard_name(split: str, number: int, shards: int) -> str:
    """Returns the file name of a shard."""
    return f"{split}-{number:05}-of-{shards:05}.tfrecord"


@dataclass(frozen=True)
class Finish:
    """Completes a data set, or writes down why not.

    Attributes:
        conversion: The planned conversion.
        plan: Its plan.
        max_error_rate: Largest share of rejected lines of a complete data set.
    """

    conversion: Conversion
    plan: ConvertPlan
    max_error_rate: float

    def __call__(self, counts: Counts) -> None:
        """Checks that everything is accounted for, passes the gates, publishes."""
        out, plan = self.conversion.out, self.plan
        if files.exists(files.join(out, dataset_info.COMPLETED_NAME)):
            return  # a launch beside this one was faster
        if counts.ok + counts.failed != plan.planned:
            raise SystemicFault(
                f"got {counts.ok} records + {counts.failed} rejected, expected "
                f"{plan.planned} as planned; nothing is published"
            )
        parts = [committed_part(out, plan, chunk) for chunk in range(plan.chunks)]
        info, rejected = _describe(out, plan, parts)
        files.write_atomically(
            files.join(out, dataset_info.REJECTED_NAME), _parquet(rejected)
        )
        if why := _gate(info, self.max_error_rate):
            verdict = json.dumps({"why": why, "rejected": info.rejected}).encode()
            files.write_atomically(work_uri(out, "FAILED"), verdict)
            return
        _publish(out, plan, parts, info)


def _describe(
    out: str, plan: ConvertPlan, parts: list[Part]
) -> tuple[dataset_info.DatasetInfo, pa.Table]:
    """Returns the data set's description and its rejected lines.

    Raises:
        SystemicFault: lines are not accounted for.
    """
    shards: dict[str, list[dataset_info.Shard]] = {name: [] for name in plan.splits}
    rejected = {name: list(split.rejected) for name, split in plan.splits.items()}
    for chunk, part in enumerate(parts):
        name, number, _ = convert_plan.read_shard(out, plan, chunk)
        rejected[name] += part.rejected
        shards[name].append(
            dataset_info.Shard(
                name=shard_name(name, number, plan.splits[name].shards),
                records=part.records,
                bytes=part.bytes,
                sha256=part.sha256,
            )
        )
    rows = [
        {**row.model_dump(), "split": name}
        for name, split_rows in rejected.items()
        for row in split_rows
    ]
    splits = {
        name: _split(name, planned, shards[name], len(rejected[name]))
        for name, planned in plan.splits.items()
    }
    info = dataset_info.DatasetInfo(
        dataset="voc",
        task="segmentation",
        classes=list(VOC_CLASSES),
        void=VOID,
        splits=splits,
        rejected=dict(sorted(Counter(row["reason"] for row in rows).items())),
        settings=plan.settings,
        fingerprint=dataset_info.fingerprint(splits),
    )
    return info, pa.Table.from_pylist(rows, schema=REJECTED_SCHEMA)


def _split(
    name: str,
    planned: convert_plan.PlannedSplit,
    shards: list[dataset_info.Shard],
    rejected: int,
) -> dataset_info.Split:
    try:
        return dataset_info.Split(
            read=planned.read,
            records=sum(shard.records for shard in shards),
            rejected=rejected,
            published=planned.published,
            shards=planned.shards,
            files=shards,
        )
    except ValueError as error:
        raise SystemicFault(
            f"split {name}: read {planned.read}, but {rejected} rejected and "
            f"{sum(shard.records for shard in shards)} written; nothing is published"
        ) from error


def _gate(info: dataset_info.DatasetInfo, max_error_rate: float) -> str | None:
    """Returns why the data set must not be published; None where it may."""
    for name, split in info.splits.items():
        why = gates.check(
            planned=split.read, failed=split.rejected, max_error_rate=max_error_rate
        )
        if why is not None:
            return f"split {name}: {why}"
    return None


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _publish(
    out: str, plan: ConvertPlan, parts: list[Part], info: dataset_info.DatasetInfo
) -> None:
    """Gives the shards their names, describes them, says COMPLETED; repeatable."""
    for chunk, part in enumerate(parts):
        split, number, _ = convert_plan.read_shard(out, plan, chunk)
        name = shard_name(split, number, plan.splits[split].shards)
        _show(staged_uri(out, chunk, part.sha256), files.join(out, name), part)
    label_map = {
        "classes": {str(index): name for index, name in enumerate(info.classes or ())},
        "void": info.void,
    }
    maxima = {"image/segmentation/class/label": len(VOC_CLASSES) - 1}
    texts = {
        dataset_info.SCHEMA_NAME: schema_pbtxt(SegmentationRecord, maxima=maxima),
        dataset_info.LABEL_MAP_NAME: json.dumps(label_map, indent=1) + "\n",
        dataset_info.INFO_NAME: info.to_json(),
        dataset_info.COMPLETED_NAME: info.fingerprint + "\n",
    }
    for name, text in texts.items():
        files.write_atomically(files.join(out, name), text.encode())
    convert_plan.remove_work(out)


def _show(staged: str, target: str, part: Part) -> None:
    """Moves a staged shard to its name, unless an interrupted attempt did."""
    if files.exists(staged):
        files.move(staged, target)
    elif not files.exists(target) or files.sha256(target) != part.sha256:
        raise SystemicFault(
            f"{target}: the shard is neither there nor staged; remove the output "
            "folder and convert again"
        )


def verdict(conversion: Conversion) -> dataset_info.DatasetInfo:
    """Returns the description of a finished data set.

    Raises:
        AboveThreshold: it is not published, and why.
    """
    out = conversion.out
    if not files.exists(files.join(out, dataset_info.COMPLETED_NAME)):
        failed = json.loads(files.read_bytes(work_uri(out, "FAILED")))
        raise AboveThreshold(
            f"{out} is not completed: {failed['why']}; read "
            f"{dataset_info.REJECTED_NAME} there, mend the data, or pass a higher "
            "--max_error_rate to the same command"
        )
    return dataset_info.read_dataset_info(files.to_path(out))


def lines(out: str, info: dataset_info.DatasetInfo, *, again: bool) -> list[str]:
    """Returns what a person is told about a finished data set.

    Args:
        out: The output.
        info: Its description.
        again: Whether it was complete before this command.
    """
    told = [f"{out}: already complete"] if again else []
    for name, split in info.splits.items():
        line = (
            f"{name}: {split.read} listed = {split.records} records in {split.shards} "
            f"shards + {split.rejected} rejected"
        )
        if split.published not in (None, split.read):
            line += f" (the published list has {split.published})"
        told.append(line)
    told += [f"  {count} {reason}" for reason, count in info.rejected.items()]
    return [*told, f"train with: fcn train segmentation --data {out} --output RUN_DIR"]
