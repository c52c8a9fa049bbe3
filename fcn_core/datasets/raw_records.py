"""TFRecords with raw pixels, as two reference projects write and read them.

| schema | keys |
|---|---|
| keras-fcn (kevinddchen/Keras-FCN) | height, width, image, label |
| tf-fcn (warmspringwinds/tf-image-segmentation) | height, width, image_raw, mask_raw |

`image` and `image_raw` are uint8 RGB, row by row, `label` and `mask_raw` uint8 class
ids with 255 = void. Neither has an id or a format; both assume three channels, so a
grey photo makes a record that only fails when it is read.
"""

import dataclasses
import hashlib
import io
from typing import Final, Literal

import numpy as np
from google.protobuf import message
from numpy.typing import NDArray
from PIL import Image

from fcn_core import images
from fcn_core.labels import VOID
from fcn_core.records import tfrecord
from fcn_core.records.fields import RecordError
from fcn_core.records.record import SegmentationRecord

Schema = Literal["keras-fcn", "tf-fcn"]

_KEYS: Final[dict[Schema, tuple[str, str]]] = {
    "keras-fcn": ("image", "label"),
    "tf-fcn": ("image_raw", "mask_raw"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class RawPair:
    """Pixels uint8 `[H, W, 3]` RGB and class ids uint8 `[H, W]`."""

    pixels: NDArray[np.uint8]
    class_map: NDArray[np.uint8]


def parse(data: bytes) -> RawPair:
    """Returns the pair of an example of either schema.

    Raises:
        RecordError: It is of neither, or its bytes do not fill its size.
    """
    try:
        written = tfrecord.example_class().FromString(data).features.feature
    except message.DecodeError as error:
        raise RecordError(
            f"{len(data)} bytes are not a tf.Example, expected raw pixels and labels"
        ) from error
    for image_key, label_key in _KEYS.values():
        if {"height", "width", image_key, label_key} <= set(written):
            break
    else:
        raise RecordError(
            f"keys are {sorted(written)!r:.120}, expected height, width and image, "
            "label or image_raw, mask_raw"
        )
    height, width = (_integer(written[key], key) for key in ("height", "width"))
    pixels = _bytes(written[image_key], image_key, height * width * 3)
    label = _bytes(written[label_key], label_key, height * width)
    return RawPair(
        np.frombuffer(pixels, np.uint8).reshape(height, width, 3),
        np.frombuffer(label, np.uint8).reshape(height, width),
    )


def encode(pair: RawPair, *, schema: Schema) -> bytes:
    """Returns the serialised example that a reader of `schema` expects."""
    image_key, label_key = _KEYS[schema]
    example = tfrecord.example_class()()
    feature = example.features.feature
    height, width = pair.class_map.shape
    feature["height"].int64_list.value.append(height)
    feature["width"].int64_list.value.append(width)
    feature[image_key].bytes_list.value.append(pair.pixels.tobytes())
    feature[label_key].bytes_list.value.append(pair.class_map.tobytes())
    return example.SerializeToString(deterministic=True)


def from_record(record: SegmentationRecord) -> RawPair:
    """Returns a record's pixels and class ids.

    Raises:
        BadImage: Photo or label do not decode.
    """
    decoded = images.decode(record.encoded)
    return RawPair(decoded.pixels, images.decode_mask(record.label))


def to_record(pair: RawPair, *, source_id: str, source: str) -> SegmentationRecord:
    """Returns a pair as a record; its photo becomes a PNG, without loss.

    Args:
        pair: Pixels and class ids.
        source_id: An id, as the raw schemas have none.
        source: Whose label it is: "voc", "sbd" or "folder".
    """
    file = io.BytesIO()
    Image.fromarray(pair.pixels).save(file, "PNG")
    encoded = file.getvalue()
    height, width = pair.class_map.shape
    present = np.flatnonzero(images.count_values(pair.class_map))
    return SegmentationRecord(
        encoded=encoded,
        format="png",
        filename=f"{source_id}.png",
        source_id=source_id,
        sha256=hashlib.sha256(encoded).hexdigest(),
        height=height,
        width=width,
        channels=3,
        orientation=1,
        label=images.encode_grey(pair.class_map),
        classes=tuple(int(value) for value in present if 0 < value < VOID),
        source=source,
    )


def _integer(slot: object, key: str) -> int:
    values = slot.int64_list.value  # type: ignore[attr-defined]
    if len(values) != 1 or values[0] < 1:
        raise RecordError(f"{key} is {list(values)!r:.60}, expected one size in pixels")
    return int(values[0])


def _bytes(slot: object, key: str, size: int) -> bytes:
    values = slot.bytes_list.value  # type: ignore[attr-defined]
    got = sum(map(len, values))
    if len(values) != 1 or got != size:
        raise RecordError(
            f"{key} has {got} bytes, expected {size}; a grey photo or a wrong size"
        )
    return bytes(values[0])
