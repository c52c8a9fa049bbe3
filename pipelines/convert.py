"""The conversion job: a chunk is a shard, and this is how one is made.

A shard is staged under a name that has its hash, then its part is created once: the
part says which staged bytes count, so a second attempt can change nothing.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fcn_core import tfrecord
from fcn_core.datasets import BadRecord, voc
from pipelines import convert_plan, files, inputs, progress
from pipelines.chunk_job import ChunkJob, check_stop
from pipelines.convert_finish import Finish
from pipelines.convert_lists import read_source
from pipelines.convert_parts import (
    Part,
    committed_part,
    part_uri,
    read_part,
    staged_uri,
)
from pipelines.convert_plan import Conversion, ConvertPlan, Rejected
from pipelines.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.lane_process import LaneSettings, Request
from pipelines.lanes import shared_pool

_READ_THREADS: Final = 4


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
        wanted = [
            (chunk, index)
            for chunk, shard in open_shards.items()
            for index in range(len(shard.ids))
        ]
        requests = inputs.read_ahead(
            wanted,
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
            pair = voc.read_pair(self.conversion.root, source_id, read_source)
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
        staged = staged_uri(out, self._chunk, part.sha256)
        files.write_atomically(staged, data)
        text = part.model_dump_json(indent=1)
        files.create_once(part_uri(out, self._chunk), text.encode())
        # Whoever made the part: what it says is what counts.
        found = committed_part(out, plan, self._chunk)
        if found.sha256 != part.sha256:
            files.remove(staged)
        return Counts(found.counts.ok, found.counts.failed, computed=len(self.ids))


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
