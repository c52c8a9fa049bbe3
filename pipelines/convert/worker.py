"""The conversion job: a chunk is a shard, and this is how one is made.

A shard is staged under a name that has its hash, then its part is created once: the
part says which staged bytes count, so a second attempt can change nothing.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fcn_core.datasets import makers
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.convert.drafts.draft import read_source
from pipelines.convert.finish import Finish
from pipelines.convert.parts import (
    Part,
    committed_part,
    part_uri,
    read_part,
    staged_uri,
)
from pipelines.convert.pieces import read_shard
from pipelines.convert.plan import Conversion, ConvertPlan, Rejected
from pipelines.faults import SystemicFault
from pipelines.lanes import stream
from pipelines.lanes.pool import shared_pool
from pipelines.lanes.request import Request
from pipelines.lanes.settings import LaneSettings

_READING: Final = stream.Reading(threads=4, together=8)


@dataclass(frozen=True)
class ConvertWorker:
    """Makes shards of a plan: reads files, has lanes check them, writes shard and part.

    Attributes:
        out: The output.
        plan: Its plan.
        lanes: The pool that touches the pixels.
    """

    out: str
    plan: ConvertPlan
    lanes: LaneSettings

    def process(self, chunks: Iterable[int]) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunks.job.ChunkWorker`."""
        return stream.process(chunks, self._open, lanes=self.lanes, reading=_READING)

    def _open(self, chunk: int) -> "OpenShard | Counts":
        found = read_part(self.out, self.plan, chunk)
        return OpenShard(self.out, self.plan, chunk) if found is None else found.counts


class OpenShard:
    """A shard whose entries are not all in."""

    def __init__(self, out: str, plan: ConvertPlan, chunk: int):
        self._out, self._plan, self._chunk = out, plan, chunk
        content = plan.content
        self._maker = makers.open_maker(content.maker, content.maker_settings)
        self.entries = read_shard(out, plan.pieces, chunk).entries
        self._examples: dict[int, tuple[bytes, bytes, bytes]] = {}
        self._photos: dict[int, str] = {}
        self._rejected: dict[int, Rejected] = {}
        self._highest = 0

    @property
    def size(self) -> int:
        """Its number of entries; each becomes a record or a rejected row."""
        return len(self.entries)

    def request(self, key: stream.Key) -> Request:
        """Returns an entry with the bytes of its files, as a lane is asked for it.

        Args:
            key: number of the chunk and index of the entry.
        """
        entry = self.entries[key[1]]
        roots = self._plan.content.roots
        try:
            contents = makers.read_files(
                self._maker, entry, roots=roots, read=read_source
            )
        except BadRecord as bad:
            # Answered already: no lane is asked.
            return Request(key, {}, [], reply={"rejected": bad.row()})
        return Request(key, entry._asdict(), contents)

    def take(self, index: int, done: Request) -> bool:
        """Takes what came of one entry; tells whether it became a record."""
        entry = self.entries[index]
        if done.bad is not None:  # its lane did not survive it
            self._rejected[index] = Rejected(
                id=entry.id,
                path=makers.photo_path(self._maker, entry),
                stage=done.bad.stage,
                reason=done.bad.reason,
                detail=done.bad.detail,
            )
        elif done.reply is None:
            raise SystemicFault(f"{entry.id}: got no answer from its lane")
        elif "rejected" in done.reply:
            self._rejected[index] = Rejected.model_validate(done.reply["rejected"])
        else:
            # The photo's bytes did not come back: they are here already.
            (rest,), at = done.reply_blobs, done.reply["at"]
            self._examples[index] = (rest[:at], done.blobs[0], rest[at:])
            self._photos[index] = done.reply["sha256"]
            self._highest = max(self._highest, done.reply["highest"])
        return index not in self._rejected

    def commit(self) -> Counts:
        """Makes the shard count: its bytes first, its part last."""
        pieces: list[bytes] = []
        for index in sorted(self._examples):
            pieces += tfrecord.frame(*self._examples[index])
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        part = Part(
            plan_id=self._plan.plan_id,
            records=len(self._examples),
            bytes=sum(map(len, pieces)),
            sha256=digest.hexdigest(),
            highest=self._highest,
            photos="".join(self._photos[index] for index in sorted(self._photos)),
            rejected=tuple(self._rejected[index] for index in sorted(self._rejected)),
        )
        staged = staged_uri(self._out, self._chunk, part.sha256)
        files.write_atomically(staged, pieces)
        text = part.model_dump_json(indent=1)
        files.create_once(part_uri(self._out, self._chunk), text.encode())
        # Whoever made the part: what it says is what counts.
        found = committed_part(self._out, self._plan, self._chunk)
        if found.sha256 != part.sha256:
            files.remove(staged)
        return Counts(found.counts.ok, found.counts.failed, computed=len(self.entries))


def job(
    conversion: Conversion, *, lanes: int | None, max_error_rate: float
) -> ChunkJob:
    """Returns a planned conversion as the one graph sees it."""
    plan = conversion.plan
    if plan is None:
        raise ValueError("the conversion is complete: there is no job left")
    pool = settings(plan, lanes=lanes)
    return ChunkJob(
        worker=ConvertWorker(conversion.out, plan, pool),
        chunks=plan.chunks,
        finish=Finish(conversion.out, plan, max_error_rate),
    )


def settings(plan: ConvertPlan, *, lanes: int | None) -> LaneSettings:
    """Returns the lanes that a plan needs.

    Args:
        plan: What to do.
        lanes: How many processes; as many as cores if None.
    """
    task = {"maker": plan.content.maker, "settings": plan.content.maker_settings}
    return LaneSettings(
        task="pipelines.convert.lane:ConvertEntries",
        config=json.dumps(task),
        lanes=lanes or len(os.sched_getaffinity(0)),
    )


def start(plan: ConvertPlan, *, lanes: int | None) -> None:
    """Starts the lanes of this process; whoever asks for the same gets these."""
    shared_pool(settings(plan, lanes=lanes))
