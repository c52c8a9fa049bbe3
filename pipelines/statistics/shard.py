"""What `fcn stats` knows of one shard, created once; and how it is read from it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fcn_core import machine
from fcn_core.metrics.dataset_sums import LabelSums, PhotoSums
from fcn_core.metrics.rating_moments import RatingMoments
from fcn_core.records.dataset_info import Shard
from fcn_core.records.record import (
    AestheticsRecord,
    ImageRecord,
    SegmentationRecord,
    keys,
)
from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.statistics import batches, checks
from pipelines.statistics.checks import Findings, Rating
from pipelines.statistics.parts import Contents
from pipelines.statistics.plan import Read
from pipelines.statistics.rows import RecordRow

_PHOTO: Final = keys(ImageRecord)
_RATING: Final = keys(AestheticsRecord)
_SOURCE: Final = keys(SegmentationRecord)["source"]


@dataclass(frozen=True)
class ShardContents:
    """What one shard holds.

    Attributes:
        contents: Everything that is added up.
        rows: Its sound records, in their order.
    """

    contents: Contents
    rows: tuple[RecordRow, ...] = ()


def read_shard(uri: str, shard: Shard, how: Read) -> ShardContents:
    """Returns what a shard holds.

    Its bytes come first: a shard that is not the one that was converted is a finding,
    and nothing in it is parsed.

    Raises:
        SystemicFault: It vanished.
    """
    try:
        sha256 = files.sha256(uri)
    except FileNotFoundError as error:
        raise SystemicFault(
            f"{uri}: got no such file, expected a shard of dataset_info.json; convert "
            "the data set again"
        ) from error
    if sha256 != shard.sha256:
        what = "the shard is not the one that was converted (another sha256)"
        return ShardContents(_note(shard, what, shard.records))
    return _read_batches(uri, shard, how)


def _read_batches(uri: str, shard: Shard, how: Read) -> ShardContents:
    contents, rows, records = Contents(), list[RecordRow](), 0
    with (
        files.local_copy(uri) as path,
        ThreadPoolExecutor(machine.usable_cores()) as pool,
    ):
        try:
            schema = batches.parse_schema(how.schema_text)
            for batch in batches.read(str(path), schema):
                seen = _Batch(batch, schema, how=how, pool=pool)
                contents += seen.contents
                rows += seen.rows
                records += batch.num_rows
        except batches.UnreadableError as error:
            contents += _note(shard, f"the shard cannot be read: {error}", 1)
        else:
            if missing := abs(shard.records - records):
                what = "records that dataset_info.json counts are not there"
                contents += _note(shard, what, missing)
    return ShardContents(contents, tuple(rows))


def _note(shard: Shard, what: str, count: int) -> Contents:
    return Contents(findings=Findings.of(what, [shard.name], count=count))


class _Batch:
    """A record batch, checked; what its sound records hold."""

    def __init__(
        self,
        batch: pa.RecordBatch,
        schema: Any,
        *,
        how: Read,
        pool: ThreadPoolExecutor,
    ):
        self._names = [
            _text(value, "?") for value in batch.column(_PHOTO["source_id"]).to_pylist()
        ]
        self._findings = Findings()
        sound = np.ones(batch.num_rows, bool)
        for what, wrong in checks.check_schema(batch, schema):
            self._note(what, wrong)
            sound &= ~wrong
        self._names = [n for n, keep in zip(self._names, sound, strict=True) if keep]
        batch = batch.filter(pa.array(sound))
        photos = map(_text, batch.column(_PHOTO["sha256"]).to_pylist())
        self.rows = list(map(RecordRow, self._names, photos))
        labels, ratings = LabelSums(), RatingMoments()
        if how.task == "segmentation":
            labels = self._labels(batch, how, pool)
        else:
            ratings = self._ratings(batch)
        self.contents = Contents(
            photos=_photos(batch),
            labels=labels,
            ratings=ratings,
            findings=self._findings,
        )

    def _note(self, what: str, wrong: np.ndarray) -> None:
        ids = [self._names[row] for row in np.flatnonzero(wrong)]
        self._findings += Findings.of(what, ids)

    def _labels(
        self, batch: pa.RecordBatch, how: Read, pool: ThreadPoolExecutor
    ) -> LabelSums:
        found = checks.read_labels(batch, classes=how.classes, void=how.void, pool=pool)
        sources = map(_text, batch.column(_SOURCE).to_pylist())
        total = LabelSums()
        for name, label, source in zip(self._names, found, sources, strict=True):
            if label.wrong is not None:
                self._findings += Findings.of(label.wrong, [name])
            if label.counts is not None:
                total += LabelSums.of(label.counts, source=source, void=how.void)
        return total

    def _ratings(self, batch: pa.RecordBatch) -> RatingMoments:
        votes, *others = (
            batch.column(_RATING[name]).to_pylist() for name in Rating._fields
        )
        numbers = ([number for (number,) in column] for column in others)
        ratings = list(map(Rating, votes, *numbers))
        for what, wrong in checks.check_ratings(ratings):
            self._note(what, wrong)
        return RatingMoments.of(
            means=[row.mean for row in ratings],
            stds=[row.std for row in ratings],
            votes=votes,
            labels=[row.label for row in ratings],
        )


def _photos(batch: pa.RecordBatch) -> PhotoSums:
    def numbers(name: str) -> np.ndarray:
        return np.asarray(pc.list_flatten(batch.column(_PHOTO[name])))

    return PhotoSums.of(
        widths=numbers("width"),
        heights=numbers("height"),
        formats=list(map(_text, batch.column(_PHOTO["format"]).to_pylist())),
        channels=numbers("channels"),
        orientations=numbers("orientation"),
    )


def _text(value: list[bytes] | None, absent: str = "") -> str:
    return value[0].decode("utf-8", "replace") if value else absent
