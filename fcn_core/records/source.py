"""The records of a data set as a source to train and measure on."""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fcn_core.bad_image import BadImage
from fcn_core.records import tfrecord
from fcn_core.records.dataset_info import DatasetError, DatasetInfo, read_dataset_info
from fcn_core.records.record import RECORD_OF, AestheticsRecord, Record

Part = Literal["all", "training", "holdout"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The records of one split of a finished data set, or a part of them.

    Attributes:
        folder: As `fcn convert` wrote it.
        split: A key of its `dataset_info.json`.
        part: `holdout` is the share set aside for choosing, `training` the others.
        holdout: That share, 0..1; chosen by the hash of the photo's id.
        labelled: Leave out rated photos that are neither high nor low.
    """

    folder: Path
    split: str
    part: Part = "all"
    holdout: float = 0.0
    labelled: bool = False

    @property
    def info(self) -> DatasetInfo:
        """The data set's description; refuses unfinished folders (DatasetError)."""
        return read_dataset_info(self.folder)

    @property
    def record_type(self) -> type[Record]:
        """What its examples are, by the data set's task."""
        return RECORD_OF[self.info.task]

    def records(self) -> Iterator[Any]:
        """Yields the records shard by shard, of the data set's `record_type`.

        Raises:
            DatasetError: The folder is not finished or has no such split.
            FrameError: A shard is damaged.
        """
        for frame in self.frames():
            yield self.record_type.parse(frame)

    def frames(self, order: Sequence[int] | None = None) -> Iterator[bytes]:
        """Yields the serialised records shard by shard.

        Args:
            order: Numbers of the shards in the order to read them; None: as written.

        Raises:
            DatasetError: The folder is not finished or has no such split.
            FrameError: A shard is damaged.
        """
        paths = self.info.shard_paths(self.folder, self.split)
        for number in range(len(paths)) if order is None else order:
            for frame in tfrecord.read_frames(paths[number]):
                if self._includes(frame):
                    yield frame

    def count(self) -> int:
        """Returns the number of records; a part is read for it, but only once.

        Raises:
            DatasetError: The folder is not finished or has no such split.
        """
        return self._count

    @functools.cached_property
    def _count(self) -> int:
        if not self.labelled and (self.part == "all" or not self.holdout):
            self.info.shard_names(str(self.folder), self.split)  # is there such a split
            return 0 if self.part == "holdout" else self.info.splits[self.split].records
        return sum(1 for _ in self.frames())

    def _includes(self, frame: bytes) -> bool:
        if self.part == "all" and not self.labelled:
            return True
        record = self.record_type.parse(frame)
        if self.labelled and isinstance(record, AestheticsRecord) and record.label < 0:
            return False
        if self.part == "all":
            return True
        digest = hashlib.sha256(record.source_id.encode()).digest()
        held_out = int.from_bytes(digest[:8]) < self.holdout * 2**64
        return held_out == (self.part == "holdout")


@contextmanager
def naming(record: Any) -> Iterator[None]:
    """Turns errors about a record into one line that names its photo.

    Raises:
        DatasetError: The body of the `with` cannot use the record.
    """
    try:
        yield
    except (BadImage, ValueError) as error:
        message = " ".join(str(error).split())
        if record.filename not in message:
            message = (
                f"{record.filename}: got {message}, expected a photo and a label that "
                "can be used; convert the data set again without it"
            )
        raise DatasetError(message) from error
