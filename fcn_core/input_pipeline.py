"""Finished shards -> batches, the same ones for the same (seed, epoch).

Decoding and augmentation are the project's own NumPy code, the pixels therefore exactly
those of scoring; `tf.data` shuffles, runs them in threads and prefetches. Each example
draws from a generator of its own, seeded with (seed, epoch, position), so neither
threads nor a restart in the middle of a run change what is trained on.
"""

import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from fcn_core import images, tfrecord
from fcn_core.bad_image import BadImage
from fcn_core.dataset_info import DatasetError, DatasetInfo, read_dataset_info
from fcn_core.record_fields import RecordError
from fcn_core.records import AestheticsRecord, SegmentationRecord
from fcn_core.tfrecord import FrameError

Part = Literal["all", "training", "holdout"]

MakeExamples = Callable[[Any, np.random.Generator], tuple[NDArray[Any], ...]]
"""Record and chance -> arrays `[n, ...]`: n examples of each component."""

Piece = tuple[NDArray[Any], ...]
"""Examples of one size, `[n, ...]` each component; the first are photos."""

Batch = list[Piece]
"""The examples of one step: a piece a size."""


_RECORDS: Final[dict[str, type[SegmentationRecord | AestheticsRecord]]] = {
    "segmentation": SegmentationRecord,
    "aesthetics": AestheticsRecord,
}


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
    def record_type(self) -> type[SegmentationRecord | AestheticsRecord]:
        """What its examples are, by the data set's task."""
        return _RECORDS[self.info.task]

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
        """Number of records; a part that has to be read for it is read once."""
        return self._count

    @functools.cached_property
    def _count(self) -> int:
        if not self.labelled and (self.part == "all" or not self.holdout):
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
    """Tells what is wrong with a record in one line that names its photo.

    Raises:
        DatasetError: What is done inside cannot use the record.
    """
    try:
        yield
    except (BadImage, ValueError) as error:
        said = " ".join(str(error).split())
        if record.filename not in said:
            said = (
                f"{record.filename}: got {said}, expected a photo and a label that "
                "can be used; convert the data set again without it"
            )
        raise DatasetError(said) from error


def decode_pair(
    record: SegmentationRecord, *, classes: int, void: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Returns the photo uint8 `[H, W, 3]` and its class ids uint8 `[H, W]`.

    Raises:
        BadImage: The photo does not decode.
        ValueError: Sizes differ or a class id is out of range; names the photo.
    """
    pixels = images.decode(record.encoded).pixels
    label = images.decode_mask(record.label)
    if pixels.shape[:2] != label.shape:
        raise ValueError(
            f"{record.filename}: the label is {label.shape}, the upright photo "
            f"{pixels.shape[:2]}; expected equal sizes, convert the data set again"
        )
    highest = int(label[label != void].max(initial=0))
    if highest >= classes:
        raise ValueError(
            f"{record.filename}: its label contains class {highest}, the data set has "
            f"{classes}; correct the label or the list of classes"
        )
    return pixels, label


def training_batches(
    source: Source,
    make_examples: MakeExamples,
    *,
    signature: tuple[tuple[str, tuple[int | None, ...]], ...],
    batch_size: int,
    seed: int,
    epoch: int,
    shuffle_buffer: int = 1024,
    parallel: int | None = None,
) -> Iterator[Batch]:
    """Yields one epoch of shuffled batches.

    A batch has its pieces in the order in which their sizes first occur, and its
    examples in the order of the shuffle.

    Args:
        source: What to train on.
        make_examples: Decodes and augments one record.
        signature: dtype name and shape of each component of one example, None for
            sides that differ.
        batch_size: Examples a batch; a smaller rest waits for next epoch's shuffle,
            unless there is little more.
        seed: Of the run.
        epoch: Its number; another one gives another order and other crops.
        shuffle_buffer: Encoded records held to be drawn from.
        parallel: Records decoded at once; None: as many as the machine has cores.

    Raises:
        DatasetError: A record cannot be learned from; names its photo.
    """
    refused: list[DatasetError] = []
    examples = _examples(
        source,
        make_examples,
        refused,
        signature=signature,
        seed=seed,
        epoch=epoch,
        shuffle_buffer=shuffle_buffer,
        parallel=parallel or os.cpu_count() or 1,
    )
    keep_rest = source.count() < 2 * batch_size
    waiting: list[Piece] = []
    for example in _drawn(examples.prefetch(2 * batch_size), refused):
        waiting.append(example)
        if len(waiting) == batch_size:
            yield _pieces(waiting)
            waiting = []
    if waiting and keep_rest:
        yield _pieces(waiting)


@contextmanager
def _kept(refused: list[DatasetError]) -> Iterator[None]:
    """TensorFlow tells of a Python error in a text of its own: keep the error."""
    try:
        yield
    except DatasetError as error:
        refused.append(error)
        raise
    except (FrameError, RecordError) as error:
        refused.append(DatasetError(f"{error}; convert the data set again"))
        raise


def _drawn(examples: Any, refused: list[DatasetError]) -> Iterator[Piece]:
    import tensorflow as tf

    try:
        yield from examples.as_numpy_iterator()
    except tf.errors.OpError as error:
        if not refused:
            raise
        raise refused[0] from error


def _pieces(examples: list[Piece]) -> Batch:
    by_size: dict[tuple[int, ...], list[Piece]] = {}
    for example in examples:
        by_size.setdefault(example[0].shape, []).append(example)
    return [
        tuple(np.stack(values) for values in zip(*same, strict=True))
        for same in by_size.values()
    ]


def _examples(
    source: Source,
    make_examples: MakeExamples,
    refused: list[DatasetError],
    *,
    signature: tuple[tuple[str, tuple[int | None, ...]], ...],
    seed: int,
    epoch: int,
    shuffle_buffer: int,
    parallel: int,
) -> Any:
    """Returns the epoch's examples as a `tf.data.Dataset`; errors go to `refused`."""
    import tensorflow as tf

    def frames() -> Iterator[tuple[int, bytes]]:
        shards = source.info.splits[source.split].shards
        order = np.random.default_rng((seed, epoch)).permutation(shards)
        with _kept(refused):
            yield from enumerate(source.frames(order.tolist()))

    def examples(position: int, frame: bytes) -> tuple[NDArray[Any], ...]:
        rng = np.random.default_rng((seed, epoch, int(position)))
        with _kept(refused):
            record = source.record_type.parse(frame)
            with naming(record):
                return make_examples(record, rng)

    dtypes = [tf.as_dtype(dtype) for dtype, _ in signature]

    def load(position: Any, frame: Any) -> tuple[Any, ...]:
        arrays = tf.numpy_function(examples, (position, frame), dtypes)
        for array, (_, shape) in zip(arrays, signature, strict=True):
            array.set_shape((None, *shape))
        return tuple(arrays)

    written = (tf.TensorSpec((), tf.int64), tf.TensorSpec((), tf.string))
    dataset = tf.data.Dataset.from_generator(frames, output_signature=written)
    dataset = dataset.shuffle(shuffle_buffer, seed=seed + 1000 * epoch)
    dataset = dataset.map(load, num_parallel_calls=parallel, deterministic=True)
    return dataset.unbatch()
