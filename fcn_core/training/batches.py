"""Finished shards -> batches, the same ones for the same (seed, epoch).

Decoding and augmentation are the project's own NumPy code, the pixels therefore exactly
those of scoring; `tf.data` shuffles, runs them in threads and prefetches. Each example
draws from a generator of its own, seeded with (seed, epoch, position), so neither
threads nor a restart in the middle of a run change what is trained on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_core import images, machine
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.fields import RecordError
from fcn_core.records.record import SegmentationRecord
from fcn_core.records.source import Source, naming
from fcn_core.records.tfrecord import FrameError

MakeExamples = Callable[[Any, np.random.Generator], tuple[NDArray[Any], ...]]
"""Record and chance -> arrays `[n, ...]`: n examples of each component."""

Piece = tuple[NDArray[Any], ...]
"""Examples of one size, `[n, ...]` each component; the first are photos."""

Batch = list[Piece]
"""The examples of one step: a piece a size."""


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
        signature: Dtype name and shape of each component of an example, None for sides
            that differ.
        batch_size: Examples a batch. A smaller last batch is left out, unless the
            source has less than two batches.
        seed: Of the run.
        epoch: Its number; another one gives another order and other crops.
        shuffle_buffer: Encoded records held to be drawn from.
        parallel: Records decoded at once; None: as many as this process may use cores.

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
        parallel=parallel or machine.usable_cores(),
    )
    keep_last = source.count() < 2 * batch_size
    waiting: list[Piece] = []
    for example in _iterate(examples.prefetch(2 * batch_size), refused):
        waiting.append(example)
        if len(waiting) == batch_size:
            yield _pieces(waiting)
            waiting = []
    if waiting and keep_last:
        yield _pieces(waiting)


@contextmanager
def _keep_error(refused: list[DatasetError]) -> Iterator[None]:
    """Keeps a Python error, of which TensorFlow passes on only a text of its own."""
    try:
        yield
    except DatasetError as error:
        refused.append(error)
        raise
    except (FrameError, RecordError) as error:
        refused.append(DatasetError(f"{error}; convert the data set again"))
        raise


def _iterate(examples: Any, refused: list[DatasetError]) -> Iterator[Piece]:
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
        with _keep_error(refused):
            yield from enumerate(source.frames(order.tolist()))

    def examples(position: int, frame: bytes) -> tuple[NDArray[Any], ...]:
        rng = np.random.default_rng((seed, epoch, int(position)))
        with _keep_error(refused):
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
