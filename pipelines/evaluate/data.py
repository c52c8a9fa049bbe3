"""The split of a data set that is measured, and its records as chunks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.dataset_info import DatasetError, DatasetInfo
from fcn_core.records.fields import RecordError
from fcn_core.records.record import RECORD_OF, AestheticsRecord, SegmentationRecord
from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.faults import UsageError


class Chunk(Frozen):
    """Consecutive records of one shard.

    Attributes:
        shard: Its file name.
        first: Number of the first record in the shard.
        records: How many.
        offset: Where the first one begins; None where a damaged length hides it.
    """

    shard: str
    first: int
    records: int
    offset: int | None


@dataclass(frozen=True)
class Data:
    """A split of the finished data set in the folder `uri`."""

    uri: str
    info: DatasetInfo
    split: str

    @classmethod
    def open(cls, folder: str, split: str) -> Self:
        """Returns a split whose shards are all there.

        Raises:
            UsageError: The data set is not finished, or has no such split.
        """
        uri = files.to_uri(folder)
        try:
            info = dataset_info.read_dataset_info(
                uri, exists=files.exists, read=files.read_bytes
            )
            info.shard_names(uri, split)
        except DatasetError as error:
            raise UsageError(f"--data: {error}") from error
        return cls(uri, info, split)

    def chunks(self, size: int) -> tuple[Chunk, ...]:
        """Cuts the records, as many as the description promises.

        Args:
            size: Records a chunk.

        Raises:
            UsageError: A shard is gone, or has more records than described.
        """
        shards = self.info.splits[self.split].files
        uris = [files.join(self.uri, shard.name) for shard in shards]
        counts = [shard.records for shard in shards]
        with ThreadPoolExecutor(files.parallel_reads(self.uri)) as pool:
            starts = list(pool.map(_starts, uris, counts, [size] * len(shards)))
        return tuple(
            Chunk(
                shard=shard.name,
                first=first,
                records=min(size, shard.records - first),
                offset=offset,
            )
            for shard, offsets in zip(shards, starts, strict=True)
            for first, offset in zip(
                range(0, shard.records, size), offsets, strict=True
            )
        )

    def count_bins(self) -> int:
        """Returns the votes' ratings by the first record; 0 where it is damaged."""
        records = Records(self, self.split)
        record = next(iter(records), None)
        if records.is_damaged or not isinstance(record, AestheticsRecord):
            return 0
        return len(record.votes)

    def photos(self, split: str) -> "Records":
        """Returns the records of a split."""
        return Records(self, split)


class Records:
    """The records of a split, as far as they can be read.

    Attributes:
        is_damaged: Whether some could not be read so far.
    """

    def __init__(self, data: Data, split: str):
        self._kind = RECORD_OF[data.info.task]
        names = data.info.shard_names(data.uri, split)
        self._uris = [files.join(data.uri, name) for name in names]
        self.is_damaged = False

    def __iter__(self) -> Iterator[SegmentationRecord | AestheticsRecord]:
        for uri in self._uris:
            try:
                with files.open_for_reading(uri) as file:
                    for frame in tfrecord.read_frames(file):
                        yield self._kind.parse(frame)
            except (OSError, RecordError, tfrecord.FrameError):
                self.is_damaged = True


def _starts(uri: str, records: int, size: int) -> list[int | None]:
    """Returns where each chunk of a shard begins; None behind a damaged length.

    Raises:
        UsageError: The shard is gone, or has more records than described.
    """
    starts: list[int | None] = [None] * -(-records // size)
    try:
        with files.open_for_reading(uri) as file:
            for number, offset in enumerate(tfrecord.frame_offsets(file)):
                if number >= records:
                    raise UsageError(
                        f"{uri}: got more than the {records} records of "
                        f"{dataset_info.INFO_NAME}, expected those; convert again"
                    )
                if number % size == 0:
                    starts[number // size] = offset
    except OSError as error:
        raise UsageError(
            f"{uri}: got {str(error.strerror).lower()}, expected a shard of the data "
            "set; copy the whole folder again"
        ) from error
    return starts
