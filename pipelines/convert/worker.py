"""The conversion job: a chunk is a shard, and this is how one is made.

A shard is staged under a name that has its hash, then its part is created once: the
part says which staged bytes count, so a second attempt can change nothing.
"""

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fcn_core.datasets import makers
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.listing import Entry
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import finish
from pipelines.chunks.job import ChunkJob
from pipelines.chunks.pieces import Pieces
from pipelines.convert import entries
from pipelines.convert.drafts.draft import read_source
from pipelines.convert.finish import DatasetEnding
from pipelines.convert.parts import StagedShard, shard_of, write_part
from pipelines.convert.plan import Conversion, ConvertPlan, Rejected
from pipelines.convert.rows import EntryRow
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings


@dataclass(frozen=True)
class ConvertWorker:
    """Makes shards of a plan: reads files, has lanes check them, writes the parts."""

    conversion: Conversion
    lanes: LaneSettings

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunks.job.ChunkWorker`."""
        open_shard = functools.partial(self._open, self.conversion.entries())
        roots = self.conversion.plan.content.roots.values()
        reading = stream.Reading(max(map(files.parallel_reads, roots)), together=8)
        return stream.process(
            chunks, open_shard, attempt=attempt, lanes=self.lanes, reading=reading
        )

    def _open(self, pieces: Pieces, chunk: int) -> "OpenShard | Counts":
        shard = entries.read(pieces.chunk(chunk))
        found = self.conversion.parts.find(chunk, planned=len(shard.entries))
        if found is None:
            return OpenShard(self.conversion, chunk, shard.entries)
        return found.counts


class OpenShard:
    """A shard whose entries are not all in.

    Args:
        conversion: What to do, and where.
        chunk: The shard's number.
        entries: Its entries; each becomes a record or a rejected row.
    """

    def __init__(self, conversion: Conversion, chunk: int, entries: Sequence[Entry]):
        self._conversion, self._chunk, self.entries = conversion, chunk, entries
        content = conversion.plan.content
        self._maker = makers.open_maker(content.maker, content.maker_settings)
        self._contents: dict[int, bytes] = {}
        self._examples: dict[int, tuple[bytes, bytes, bytes]] = {}
        self._photos: dict[int, str] = {}
        self._rejected: dict[int, Rejected] = {}
        self._pixels = Counter[int]()

    @property
    def size(self) -> int:
        """Its number of entries."""
        return len(self.entries)

    def request(self, index: int) -> Request | Answer:
        """Returns an entry with the bytes of its files, or why it is rejected."""
        entry = self.entries[index]
        roots = self._conversion.plan.content.roots
        try:
            contents = makers.read_files(
                self._maker, entry, roots=roots, read=read_source
            )
        except BadRecord as bad:
            return Answer({"rejected": bad.row()})
        self._contents[index] = contents[0]
        path = makers.photo_path(self._maker, entry)
        return Request(entry._asdict(), contents, name=path)

    def take(self, index: int, answer: Answer) -> bool:
        """Takes the answer about an entry; returns whether it became a record."""
        entry = self.entries[index]
        photo = self._contents.pop(index, b"")  # lanes do not send it back
        if answer.bad is not None:  # its lane did not survive it
            self._rejected[index] = Rejected(
                id=entry.id,
                path=makers.photo_path(self._maker, entry),
                stage=answer.bad.stage,
                reason=answer.bad.reason,
                detail=answer.bad.detail,
            )
        elif "rejected" in answer.reply:
            self._rejected[index] = Rejected.model_validate(answer.reply["rejected"])
        else:
            (rest,), at = answer.blobs, answer.reply["at"]
            self._examples[index] = (rest[:at], photo, rest[at:])
            self._photos[index] = answer.reply["sha256"]
            self._pixels.update(dict(answer.reply["pixels"]))
        return index not in self._rejected

    def commit(self) -> Counts:
        """Makes the shard count: its bytes first, its part last."""
        frames: list[bytes] = []
        for index in sorted(self._examples):
            frames += tfrecord.frame(*self._examples[index])
        digest = hashlib.sha256()
        for frame in frames:
            digest.update(frame)
        shard = StagedShard(
            records=len(self._examples),
            bytes=sum(map(len, frames)),
            sha256=digest.hexdigest(),
            pixels=dict(sorted(self._pixels.items())),
            rejected=tuple(self._rejected[index] for index in sorted(self._rejected)),
        )
        conversion, chunk = self._conversion, self._chunk
        staged = conversion.folder.staged(chunk, shard.sha256)
        files.write_atomically(staged, frames)
        write_part(conversion, chunk, rows=self._rows(), shard=shard)
        # First writer wins: use the committed part.
        found = conversion.parts.committed(chunk)
        if shard_of(found).sha256 != shard.sha256:
            files.remove(staged)
        return Counts(found.counts.ok, found.counts.failed, computed=self.size)

    def _rows(self) -> list[EntryRow]:
        return [
            bad.row()
            if (bad := self._rejected.get(index)) is not None
            else EntryRow(id=entry.id, status="ok", sha256=self._photos.get(index))
            for index, entry in enumerate(self.entries)
        ]


def job(
    conversion: Conversion, *, lanes: int | None, max_error_rate: float
) -> ChunkJob:
    """Returns a planned conversion as the one graph sees it."""
    return ChunkJob(
        worker=ConvertWorker(conversion, settings(conversion.plan, lanes=lanes)),
        chunks=conversion.plan.chunks,
        finish=functools.partial(
            finish,
            DatasetEnding(conversion, max_error_rate),
            planned=conversion.plan.planned,
            refusal_uri=conversion.folder.refusal,
        ),
        planned=conversion.plan.planned,
        parts=conversion.parts,
        plan=conversion.folder.plan,
        done=conversion.folder.completed,
        inputs=tuple(sorted(set(conversion.plan.content.roots.values()))),
    )


def settings(plan: ConvertPlan, *, lanes: int | None) -> LaneSettings:
    """Returns the lanes that a plan needs; one a core if None."""
    task = {"maker": plan.content.maker, "settings": plan.content.maker_settings}
    return LaneSettings(
        task="pipelines.convert.lane:ConvertEntries",
        config=task,
        lanes=lanes,
    )
