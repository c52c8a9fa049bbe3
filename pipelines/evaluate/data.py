"""The split of a data set that is measured, and its records as chunks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
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
            info = dataset_info.read_dataset_info(files.to_path(uri))
            info.shard_paths(files.to_path(uri), split)
        except DatasetError as error:
            raise UsageError(f"--data: {error}") from error
        return cls(uri, info, split)

    @property
    def folder(self) -> Path:
        """The data set's folder."""
        return files.to_path(self.uri)

    def chunks(self, size: int) -> tuple[Chunk, ...]:
        """Cuts the records, as many as the description promises.

        Args:
            size: Records a chunk.

        Raises:
            UsageError: A shard is gone, or has more records than described.
        """
        return tuple(
            Chunk(
                shard=shard.name,
                first=first,
                records=min(size, shard.records - first),
                offset=offset,
            )
            for shard in self.info.splits[self.split].files
            for first, offset in zip(
                range(0, shard.records, size),
                _starts(self.folder / shard.name, shard.records, size),
                strict=True,
            )
        )


class Records:
    """The records of a split, as far as they can be read.

    Attributes:
        is_damaged: Whether some could not be read so far.
    """

    def __init__(self, data: Data, split: str):
        self._kind = RECORD_OF[data.info.task]
        self._paths = data.info.shard_paths(data.folder, split)
        self.is_damaged = False

    def __iter__(self) -> Iterator[SegmentationRecord | AestheticsRecord]:
        for path in self._paths:
            try:
                for frame in tfrecord.read_frames(path):
                    yield self._kind.parse(frame)
            except (OSError, RecordError, tfrecord.FrameError):
                self.is_damaged = True


def _starts(path: Path, records: int, size: int) -> list[int | None]:
    """Returns where each chunk of a shard begins; None behind a damaged length.

    Raises:
        UsageError: The shard is gone, or has more records than described.
    """
    starts: list[int | None] = [None] * -(-records // size)
    try:
        for number, offset in enumerate(tfrecord.frame_offsets(path)):
            if number >= records:
                raise UsageError(
                    f"{path}: got more than the {records} records that "
                    f"{dataset_info.INFO_NAME} counts, expected those; convert again"
                )
            if number % size == 0:
                starts[number // size] = offset
    except OSError as error:
        raise UsageError(
            f"{path}: got {str(error.strerror).lower()}, expected a shard of the data "
            "set; copy the whole folder again"
        ) from error
    return starts
