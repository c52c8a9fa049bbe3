"""The conversion job: a chunk is a shard; what it holds, how a data set is finished.

A shard is staged under a name that has its hash, then its part is created once: the
part says which staged bytes count, so a second attempt can change nothing. When every
part is there, read = written + rejected is checked split by split, the shards get
their names, the descriptions are written, and `COMPLETED` last.
"""

import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from fcn_core import dataset_info, tfrecord
from fcn_core.datasets import BadRecord, voc
from fcn_core.labels import VOC_CLASSES, VOID
from fcn_core.records import SegmentationRecord, schema_pbtxt
from pipelines import convert_plan, files, gates, inputs, progress
from pipelines.chunk_job import ChunkJob, check_stop
from pipelines.convert_plan import Conversion, ConvertPlan, Rejected, work_uri
from pipelines.counts import Counts
from pipelines.faults import AboveThreshold, SystemicFault
from pipelines.lanes import LaneSettings, Request, shared_pool

_READ_THREADS: Final = 4

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


class Part(BaseModel):
    """What became of a shard's ids.

    Attributes:
        plan_id: Of the plan it belongs to.
        records: Examples in the shard.
        bytes: Size of the shard.
        sha256: Of the shard; names the staged file.
        rejected: Ids that did not become examples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_id: str
    records: int
    bytes: int
    sha256: str
    rejected: tuple[Rejected, ...]

    @property
    def counts(self) -> Counts:
        """The same as counts of the job."""
        return Counts(ok=self.records, failed=len(self.rejected))


def shard_name(split: str, number: int, shards: int) -> str:
    """Returns the file name of a shard."""
    return f"{split}-{number:05}-of-{shards:05}.tfrecord"


def read_part(out: str, plan: ConvertPlan, chunk: int) -> Part | None:
    """Returns the part of a chunk, None where it is not committed.

    Raises:
        SystemicFault: the part is damaged or belongs to another plan.
    """
    uri = _part_uri(out, chunk)
    try:
        part = Part.model_validate_json(files.read_bytes(uri))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SystemicFault(_damaged(uri, "a damaged part")) from error
    if part.plan_id != plan.plan_id:
        raise SystemicFault(_damaged(uri, "a part of another plan"))
    return part


def _part_uri(out: str, chunk: int) -> str:
    return work_uri(out, "parts", f"shard-{chunk:05}.json")


def _staged_uri(out: str, chunk: int, sha256: str) -> str:
    return work_uri(out, "shards", f"shard-{chunk:05}-{sha256[:16]}.tfrecord")


def _damaged(uri: str, got: str) -> str:
    return (
        f"{uri}: got {got}, expected the part of this conversion; remove it, and the "
        "same command makes the shard again"
    )


@dataclass(frozen=True)
class ConvertWorker:
    """Makes shards of a plan: reads pairs, has lanes check them, writes shard and part.

    Attributes:
        conversion: The planned conversion.
        plan: Its plan.
        lanes: The pool that touches the pixels.
    """

    conversion: Conversion
    plan: ConvertPlan
    lanes: LaneSettings

    def process(self, chunks: range) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunk_job.ChunkWorker`."""
        open_shards = {}
        for chunk in chunks:
            found = read_part(self.conversion.out, self.plan, chunk)
            if found is not None:
                progress.note(ok=found.counts.ok, failed=found.counts.failed)
                yield found.counts
                continue
            shard = _OpenShard(self, chunk)
            if shard.is_full:  # no id has its hash
                yield shard.commit()
            else:
                open_shards[chunk] = shard
        yield from self._convert(open_shards)

    def _convert(self, open_shards: "dict[int, _OpenShard]") -> Iterator[Counts]:
        """Streams the pairs of all shards through the lanes without a stop."""
        wanted = (
            (chunk, index)
            for chunk, shard in open_shards.items()
            for index in range(len(shard.ids))
        )
        requests = inputs.read_ahead(
            list(wanted),
            lambda key: self._request(open_shards[key[0]].ids[key[1]], key),
            threads=_READ_THREADS,
            depth=_READ_THREADS + 2 * self.lanes.lanes,
        )
        for done in shared_pool(self.lanes).answer(requests):
            check_stop()
            chunk, index = done.key
            shard = open_shards[chunk]
            is_record = shard.take(index, done)
            progress.note(ok=is_record, failed=not is_record, computed=1)
            if shard.is_full:
                yield shard.commit()
                del open_shards[chunk]

    def _request(self, source_id: str, key: tuple[int, int]) -> Request:
        try:
            pair = voc.read_pair(
                self.conversion.root, source_id, convert_plan.read_source
            )
        except BadRecord as bad:
            # Answered already: no lane is asked.
            return Request(key, {}, [], reply={"rejected": bad.row()})
        return Request(key, {"id": source_id}, list(pair))


class _OpenShard:
    """A shard whose pairs are not all in."""

    def __init__(self, worker: ConvertWorker, chunk: int):
        self._worker = worker
        self._chunk = chunk
        _, _, self.ids = convert_plan.read_shard(
            worker.conversion.out, worker.plan, chunk
        )
        self._examples: list[bytes | None] = [None] * len(self.ids)
        self._rejected: dict[int, Rejected] = {}
        self._missing = len(self.ids)

    @property
    def is_full(self) -> bool:
        return self._missing == 0

    def take(self, index: int, done: Request) -> bool:
        """Takes what came of one pair; tells whether it became a record."""
        self._missing -= 1
        source_id = self.ids[index]
        if done.bad is not None:  # its lane did not survive it
            self._rejected[index] = Rejected(
                id=source_id,
                path=voc.image_path(source_id),
                stage=done.bad.stage,
                reason=done.bad.reason,
                detail=done.bad.detail,
            )
        elif done.reply is None:
            raise SystemicFault(f"{source_id}: got no answer from its lane")
        elif "rejected" in done.reply:
            self._rejected[index] = Rejected.model_validate(done.reply["rejected"])
        else:
            (self._examples[index],) = done.reply_blobs
        return index not in self._rejected

    def commit(self) -> Counts:
        """Makes the shard count: its bytes first, its part last."""
        out, plan = self._worker.conversion.out, self._worker.plan
        buffer = io.BytesIO()
        for example in self._examples:
            if example is not None:
                tfrecord.write_frame(buffer, example)
        data = buffer.getvalue()
        part = Part(
            plan_id=plan.plan_id,
            records=len(self.ids) - len(self._rejected),
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            rejected=tuple(self._rejected[index] for index in sorted(self._rejected)),
        )
        staged = _staged_uri(out, self._chunk, part.sha256)
        files.write_atomically(staged, data)
        text = part.model_dump_json(indent=1)
        files.create_once(_part_uri(out, self._chunk), text.encode())
        # Whoever made the part: what it says is what counts.
        found = _committed(out, plan, self._chunk)
        if found.sha256 != part.sha256:
            files.remove(staged)
        return Counts(found.counts.ok, found.counts.failed, computed=len(self.ids))


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
        parts = [_committed(out, plan, chunk) for chunk in range(plan.chunks)]
        info, rejected = _describe(out, plan, parts)
        files.write_atomically(
            files.join(out, dataset_info.REJECTED_NAME), _parquet(rejected)
        )
        if why := _gate(info, self.max_error_rate):
            verdict = json.dumps({"why": why, "rejected": info.rejected}).encode()
            files.write_atomically(work_uri(out, "FAILED"), verdict)
            return
        _publish(out, plan, parts, info)


def _committed(out: str, plan: ConvertPlan, chunk: int) -> Part:
    part = read_part(out, plan, chunk)
    if part is None:
        raise SystemicFault(f"{_part_uri(out, chunk)}: the part vanished")
    return part


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
        _show(_staged_uri(out, chunk, part.sha256), files.join(out, name), part)
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


def job(
    conversion: Conversion, *, lanes: int | None, max_error_rate: float
) -> ChunkJob:
    """Returns a planned conversion as the one graph sees it."""
    if conversion.plan is None:
        raise ValueError("the conversion is complete: there is no job left")
    pool = LaneSettings(
        task="pipelines.lane_tasks:ConvertPairs",
        config="{}",
        lanes=lanes or len(os.sched_getaffinity(0)),
    )
    return ChunkJob(
        worker=ConvertWorker(conversion, conversion.plan, pool),
        chunks=conversion.plan.chunks,
        finish=Finish(conversion, conversion.plan, max_error_rate),
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
