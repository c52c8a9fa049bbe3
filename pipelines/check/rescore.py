"""Scores photos again whose part or mask is damaged, and puts the same bytes back."""

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipelines import files
from pipelines.check.damage import MEND, Damage
from pipelines.check.night import COLUMNS, find_hashes
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.chunks.parts import Part
from pipelines.chunks.pieces import Pieces
from pipelines.faults import SystemicFault
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings
from pipelines.score import masks, parts, pruned, worker
from pipelines.score.lanes import lane_settings
from pipelines.score.nights import Night
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.rows import ScoreRow


def job(night: Night, damages: Sequence[Damage], *, lanes: int | None) -> ChunkJob:
    """Returns the work of mending the parts and masks of a night."""
    chunks = sorted(
        {d.chunk for d in damages if d.chunk is not None and d.cure == MEND}
    )
    has_masks = night.plan.settings.has_masks and pruned.find(night.folder) is None
    night.folder.make(masks=has_masks)
    return ChunkJob(
        worker=_Mender(
            night.planned(),
            lane_settings(night, lanes),
            worker.labels(night),
            tuple(chunks),
            frozenset(d.image_key for d in damages if d.image_key is not None),
        ),
        chunks=len(chunks),
        finish=_finish,
    )


def count_photos(plan: Plan, damages: Sequence[Damage]) -> int:
    """Returns how many photos are scored again: a tar is made of all of its masks."""
    is_tar = plan.settings.masks == "tar"
    whole = {d.chunk for d in damages if d.kind == "part" or is_tar}
    masks_alone = [d for d in damages if d.kind == "mask" and d.chunk not in whole]
    sizes = [plan.items_of(chunk) for chunk in whole if chunk is not None]
    return sum(sizes) + len(masks_alone)


def _finish(total: Counts, attempt: Attempt) -> None:
    """Does nothing: the check that follows tells what is mended."""
    del total, attempt


@dataclass(frozen=True)
class _Mender:
    """Mends chunks; the job's chunk `i` is the night's `chunks[i]`."""

    night: PlannedNight
    lanes: LaneSettings
    models: str
    chunks: tuple[int, ...]
    image_keys: frozenset[str]

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        open_chunk = functools.partial(
            self._open, pieces=self.night.items(), hashes=self._hashes()
        )
        return stream.process(
            chunks,
            open_chunk,
            attempt=attempt,
            lanes=self.lanes,
            reading=worker.reading(self.night.plan),
        )

    def _hashes(self) -> list[str] | None:
        """Returns the sha256 of the committed parts; None of an open night."""
        commit = self.night.commit()
        return None if commit is None else find_hashes(self.night, commit)

    def _open(
        self, index: int, *, pieces: Pieces, hashes: list[str] | None
    ) -> "_DamagedChunk":
        chunk = self.chunks[index]
        expected = None if hashes is None else hashes[chunk]
        return _DamagedChunk(self, chunk, items=pieces.chunk(chunk), expected=expected)


class _DamagedChunk:
    """A chunk whose part is damaged, or some of its masks."""

    def __init__(
        self, mender: _Mender, chunk: int, *, items: pa.Table, expected: str | None
    ):
        self._night, self._mender, self._chunk = mender.night, mender, chunk
        self._planned, self._expected = items, expected
        self._part = self._find_part()
        self._items = [
            item for item in items.to_pylist() if self._is_wanted(item["image_key"])
        ]
        self._rows: list[ScoreRow | None] = [None] * len(self._items)
        self._pngs: dict[str, bytes] = {}

    def _find_part(self) -> Part | None:
        """Returns the part if it is whole."""
        try:
            part = parts.find_part(
                self._night, self._chunk, items=self._planned, columns=COLUMNS
            )
        except SystemicFault:
            return None
        is_known = part is None or self._expected in (None, part.sha256)
        return part if is_known else None

    def _is_wanted(self, image_key: str) -> bool:
        """Whether a photo is to be scored again: a tar is made of all of its masks."""
        is_tar = self._night.plan.settings.masks == "tar"
        return self._part is None or is_tar or image_key in self._mender.image_keys

    @property
    def size(self) -> int:
        return len(self._items)

    def request(self, index: int) -> Request | Answer:
        """Returns the request for a photo's score, or why it cannot be read."""
        return worker.ask(self._night.plan, self._items[index])

    def take(self, index: int, answer: Answer) -> bool:
        """Takes the answer about an item; returns whether it has a score."""
        item = self._items[index]
        self._rows[index] = worker.row_of(
            self._night.plan, item, answer, models=self._mender.models
        )
        for png in answer.blobs:
            self._pngs[item["image_key"]] = png
        return answer.bad is None

    def commit(self) -> Counts:
        """Puts back what is as it was; the check that follows names the rest."""
        rows = [row for row in self._rows if row is not None]
        paths, contents = masks.lay_out(
            self._night.folder,
            self._chunk,
            layout=self._night.plan.settings.masks,
            pngs=self._pngs,
        )
        if self._part is None:
            self._put_part(rows, paths, contents)
        else:
            self._put_masks(self._part.rows.to_pylist(), contents)
        is_ok = sum(row.status == "ok" for row in rows)
        return Counts(is_ok, len(rows) - is_ok, computed=len(rows))

    def _put_part(
        self,
        rows: Sequence[ScoreRow],
        paths: Mapping[str, str],
        contents: Mapping[str, bytes],
    ) -> None:
        data = parts.encode_part(
            self._night,
            items=self._planned,
            rows=[replace(row, mask_path=paths.get(row.image_key)) for row in rows],
            masks_bytes=sum(map(len, contents.values())),
        )
        if self._expected in (None, _sha256(data)):
            if pruned.find(self._night.folder) is None:
                for path, content in contents.items():
                    self._put(path, content)
            files.write_atomically(self._night.parts.uri(self._chunk), data)

    def _put_masks(
        self, rows: Sequence[Mapping[str, Any]], contents: Mapping[str, bytes]
    ) -> None:
        """Writes the masks that are those of the rows; a tar's name has its hash."""
        named = {row["mask_path"]: row["mask_sha256"] for row in rows}
        tars = {path.partition("#")[0] for path in named if path and "#" in path}
        for path, content in contents.items():
            if path in tars or named.get(path) == _sha256(content):
                self._put(path, content)

    def _put(self, path: str, content: bytes) -> None:
        files.write_atomically(files.join(self._night.out, path), content)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
