"""Finished shards -> batches, the same ones for the same (seed, epoch).

Decoding and augmentation are the project's own NumPy code, the pixels therefore exactly
those of scoring; `tf.data` shuffles, runs them in parallel and prefetches. Each example
draws from a generator of its own, seeded with (seed, epoch, position), so neither
threads nor a restart in the middle of a run change what is trained on.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fcn_core import images, tfrecord
from fcn_core.dataset_info import DatasetInfo, read_dataset_info
from fcn_core.records import SegmentationRecord

Part = Literal["all", "training", "holdout"]

MakeExamples = Callable[
    [SegmentationRecord, np.random.Generator], tuple[NDArray[Any], ...]
]
"""Record and chance -> arrays `[n, ...]`: n examples of each component."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The records of one split of a finished data set, or a part of them.

    Attributes:
        folder: As `fcn convert` wrote it.
        split: A key of its `dataset_info.json`.
        part: `holdout` is the share set aside for choosing, `training` the others.
        holdout: That share, 0..1; chosen by the hash of the photo's id.
    """

    folder: Path
    split: str
    part: Part = "all"
    holdout: float = 0.0

    @property
    def info(self) -> DatasetInfo:
        """The data set's description; refuses unfinished folders (DatasetError)."""
        return read_dataset_info(self.folder)

    def records(
        self, order: Sequence[int] | None = None
    ) -> Iterator[SegmentationRecord]:
        """Yields the records shard by shard.

        Args:
            order: Numbers of the shards in the order to read them; None: as written.

        Raises:
            DatasetError: The folder is not finished or has no such split.
            FrameError: A shard is damaged.
        """
        paths = self.info.shard_paths(self.folder, self.split)
        for number in range(len(paths)) if order is None else order:
            for frame in tfrecord.read_frames(paths[number]):
                record = SegmentationRecord.parse(frame)
                if self._includes(record.source_id):
                    yield record

    def count(self) -> int:
        """Number of records."""
        if self.part == "all" or not self.holdout:
            return 0 if self.part == "holdout" else self.info.splits[self.split].records
        return sum(1 for _ in self.records())

    def _includes(self, source_id: str) -> bool:
        if self.part == "all":
            return True
        digest = hashlib.sha256(source_id.encode()).digest()
        held_out = int.from_bytes(digest[:8]) < self.holdout * 2**64
        return held_out == (self.part == "holdout")


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
    parallel: int = 2,
) -> Any:
    """Returns one epoch of shuffled batches as a `tf.data.Dataset`.

    Args:
        source: What to train on.
        make_examples: Decodes and augments one record.
        signature: dtype name and shape of each component of one example, None for
            sides that differ; examples of one size share a batch.
        batch_size: Examples a batch; a smaller rest waits for next epoch's shuffle,
            unless there is little more.
        seed: Of the run.
        epoch: Its number; another one gives another order and other crops.
        shuffle_buffer: Encoded records held to be drawn from.
        parallel: Records decoded at once.
    """
    import tensorflow as tf

    def frames() -> Iterator[tuple[int, bytes]]:
        shards = source.info.splits[source.split].shards
        order = np.random.default_rng((seed, epoch)).permutation(shards)
        for position, record in enumerate(source.records(order.tolist())):
            yield position, record.encode()

    def examples(position: int, frame: bytes) -> tuple[NDArray[Any], ...]:
        rng = np.random.default_rng((seed, epoch, int(position)))
        return make_examples(SegmentationRecord.parse(frame), rng)

    dtypes = [tf.as_dtype(dtype) for dtype, _ in signature]

    def load(position: Any, frame: Any) -> tuple[Any, ...]:
        arrays = tf.numpy_function(examples, (position, frame), dtypes)
        for array, (_, shape) in zip(arrays, signature, strict=True):
            array.set_shape((None, *shape))
        return tuple(arrays)

    def size_number(first: Any, *_: Any) -> Any:
        number = tf.zeros((), tf.int64)
        for side in tf.unstack(tf.shape(first, out_type=tf.int64)):
            number = number * (1 << 16) + side
        return number

    written = (tf.TensorSpec((), tf.int64), tf.TensorSpec((), tf.string))
    dataset = tf.data.Dataset.from_generator(frames, output_signature=written)
    dataset = dataset.shuffle(shuffle_buffer, seed=seed + 1000 * epoch)
    dataset = dataset.map(load, num_parallel_calls=parallel, deterministic=True)
    dataset = dataset.unbatch()
    # At most two shapes (wide and high): then one of them fills a batch.
    keep_rest = source.count() < 2 * batch_size
    batches = dataset.group_by_window(
        key_func=size_number,
        reduce_func=lambda _, window: window.batch(
            batch_size, drop_remainder=not keep_rest
        ),
        window_size=batch_size,
    )
    return batches.prefetch(2)
