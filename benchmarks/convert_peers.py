"""How others make records of VOC's pairs, reimplemented from their known behaviour.

`notebook`: one process, raw pixels, one file, no checks. `pool`: a script with a
process pool that decodes, re-encodes the label with Pillow and lets the parent write
one file. `bound` is not a peer: it is the least that must be done to each pair, by one
independent process per core.
"""

import hashlib
import io
import multiprocessing
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from fcn_core.datasets.pascal import voc
from fcn_core.images.masks import encode_grey
from fcn_core.records import tfrecord


def notebook(root: Path, ids: Sequence[str], out: Path) -> None:
    """Writes raw pixels of photo and label, one pair after the other, to one file."""
    import tensorflow as tf

    def numbers(value: int) -> Any:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    def raw(array: NDArray[np.uint8]) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[array.tobytes()]))

    with tf.io.TFRecordWriter(str(out / "train.tfrecords")) as writer:
        for source_id in ids:
            pixels = np.array(Image.open(root / voc.image_path(source_id)))
            label = np.array(Image.open(root / voc.label_path(source_id)))
            feature = {
                "height": numbers(pixels.shape[0]),
                "width": numbers(pixels.shape[1]),
                "image_raw": raw(pixels),
                "mask_raw": raw(label),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def pool(root: Path, ids: Sequence[str], out: Path) -> None:
    """Has a process pool make the examples; the parent writes them to one file."""
    context = multiprocessing.get_context("spawn")
    work = [(root, source_id) for source_id in ids]
    with context.Pool(_cores()) as workers, (out / "train.tfrecord").open("wb") as file:
        for example in workers.imap(_example, work, chunksize=16):
            tfrecord.write_frame(file, example)


def _example(work: tuple[Path, str]) -> bytes:
    root, source_id = work
    photo = (root / voc.image_path(source_id)).read_bytes()
    with Image.open(io.BytesIO(photo)) as image:
        height, width = np.array(image).shape[:2]
    with Image.open(root / voc.label_path(source_id)) as image:
        label = np.array(image)
    buffer = io.BytesIO()
    Image.fromarray(label).save(buffer, "PNG")
    example = tfrecord.example_class()()
    feature = example.features.feature
    feature["image/encoded"].bytes_list.value.append(photo)
    feature["image/filename"].bytes_list.value.append(source_id.encode())
    feature["image/format"].bytes_list.value.append(b"jpeg")
    feature["image/height"].int64_list.value.append(height)
    feature["image/width"].int64_list.value.append(width)
    feature["image/channels"].int64_list.value.append(3)
    key = "image/segmentation/class/encoded"
    feature[key].bytes_list.value.append(buffer.getvalue())
    feature["image/segmentation/class/format"].bytes_list.value.append(b"png")
    return example.SerializeToString()


def bound(root: Path, ids: Sequence[str], out: Path) -> None:
    """Decodes, counts, encodes, hashes and copies: nothing else, on every core."""
    context = multiprocessing.get_context("spawn")
    cores = _cores()
    processes = [
        context.Process(target=_bound_part, args=(root, ids[i::cores], out / f"{i}"))
        for i in range(cores)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode:
            raise RuntimeError(f"a process of the bound ended with {process.exitcode}")


def _bound_part(root: Path, ids: Sequence[str], out: Path) -> None:
    with out.open("wb") as file:
        for source_id in ids:
            photo = (root / voc.image_path(source_id)).read_bytes()
            simplejpeg.decode_jpeg(photo, "RGB", strict=True)
            with Image.open(root / voc.label_path(source_id)) as image:
                label = np.array(image)
            np.bincount(label.ravel(), minlength=256)
            file.write(encode_grey(label))
            file.write(hashlib.sha256(photo).digest())
            file.write(photo)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


WAYS: dict[str, Callable[[Path, Sequence[str], Path], Any]] = {
    "bound": bound,
    "notebook": notebook,
    "pool": pool,
}
"""By name; each converts the ids of a VOC tree into a folder."""
