"""What one training example is: fields, their domains, tf.Example and back.

A record type is a frozen dataclass whose fields carry their own wire description
(`Feature`): that one table gives the writer, the parser, TensorFlow's parse spec and
`schema.pbtxt`, so that they cannot disagree. Keys are those of DeepLab's converter
(`image/encoded`, `image/segmentation/class/encoded`, ...); its reader parses these
records unchanged.

TensorFlow is not needed to write or read them: see `tfrecord`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from google.protobuf import message

from fcn_core import tfrecord

Kind = Literal["bytes", "text", "int"]

_SHA256_HEX_DIGITS: Final = 64
_MAX_SIDE: Final = 65535
"""JPEG's own limit for height and width."""


class RecordError(Exception):
    """A record, or the file that holds it, is not what its description says."""


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """How one field of a record is written.

    Attributes:
        key: its name in the tf.Example.
        kind: "bytes", "text" (UTF-8 in a bytes list) or "int" (int64).
        ragged: a tuple of any length instead of exactly one value.
        minimum: lowest allowed integer, or fewest characters of a text.
        maximum: highest allowed integer, or most characters of a text.
        values: the only texts allowed, where there is a closed list.
        is_image: the bytes are an encoded image.
        note: a remark for readers of the schema.
    """

    key: str
    kind: Kind
    ragged: bool = False
    minimum: int | None = None
    maximum: int | None = None
    values: tuple[str, ...] = ()
    is_image: bool = False
    note: str = ""

    def check(self, value: Any) -> None:
        """Raises RecordError unless `value` lies in the feature's domain."""
        for item in value if self.ragged else (value,):
            if self.values and item not in self.values:
                self._refuse(item, f"one of {', '.join(self.values)}")
            size = item if self.kind == "int" else len(item)
            if self.minimum is not None and size < self.minimum:
                self._refuse(item, f"at least {self.minimum}")
            if self.maximum is not None and size > self.maximum:
                self._refuse(item, f"at most {self.maximum}")

    def _refuse(self, item: Any, expected: str) -> None:
        raise RecordError(f"{self.key} is {item!r:.80}, expected {expected}")


def _feature(key: str, kind: Kind, **domain: Any) -> dict[str, Feature]:
    return {"feature": Feature(key, kind, **domain)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """The part every record has: one photo, exactly as its file holds it."""

    encoded: bytes = dataclasses.field(
        metadata=_feature("image/encoded", "bytes", minimum=1, is_image=True)
    )
    format: str = dataclasses.field(
        metadata=_feature("image/format", "text", values=("jpeg", "png"))
    )
    filename: str = dataclasses.field(
        metadata=_feature("image/filename", "text", minimum=1)
    )
    source_id: str = dataclasses.field(
        metadata=_feature("image/source_id", "text", minimum=1)
    )
    sha256: str = dataclasses.field(
        metadata=_feature(
            "image/key/sha256",
            "text",
            minimum=_SHA256_HEX_DIGITS,
            maximum=_SHA256_HEX_DIGITS,
        )
    )
    height: int = dataclasses.field(
        metadata=_feature("image/height", "int", minimum=1, maximum=_MAX_SIDE)
    )
    width: int = dataclasses.field(
        metadata=_feature("image/width", "int", minimum=1, maximum=_MAX_SIDE)
    )
    channels: int = dataclasses.field(
        metadata=_feature("image/channels", "int", minimum=1, maximum=4)
    )
    orientation: int = dataclasses.field(
        metadata=_feature("image/orientation", "int", minimum=1, maximum=8)
    )

    def encode(self) -> bytes:
        """Returns the serialised tf.Example; equal records give equal bytes.

        Raises:
            RecordError: a value lies outside its feature's domain.
        """
        example = tfrecord.example_class()()
        for name, feature in features(type(self)).items():
            value = getattr(self, name)
            feature.check(value)
            _fill(example.features.feature[feature.key], feature, value)
        # Features are a protobuf map, whose order is otherwise left to chance.
        return example.SerializeToString(deterministic=True)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns the record that `encode` made `data` from.

        Raises:
            RecordError: not a tf.Example, a key is missing, unknown or of another type,
                or a value lies outside its domain.
        """
        try:
            written = tfrecord.example_class().FromString(data).features.feature
        except message.DecodeError as error:
            raise RecordError(
                f"{len(data)} bytes are not a tf.Example, expected one serialised "
                f"{cls.__name__}"
            ) from error
        table = features(cls)
        expected = {feature.key for feature in table.values()}
        if expected != set(written):
            raise RecordError(
                f"keys of a {cls.__name__} differ: missing "
                f"{sorted(expected - set(written))}, unknown "
                f"{sorted(set(written) - expected)}; convert the data set again"
            )
        return cls(
            **{name: _value(written[f.key], f) for name, f in table.items()},
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationRecord(ImageRecord):
    """A photo and the class of each of its pixels.

    `label` is an 8-bit greyscale PNG (colour type 0) of the photo's size whose grey
    value is the class id, 255 = void. A palette PNG would not do: TensorFlow decodes
    one to colours or to their luminance, in which several classes coincide.
    """

    label: bytes = dataclasses.field(
        metadata=_feature(
            "image/segmentation/class/encoded",
            "bytes",
            minimum=1,
            is_image=True,
            note="void=255",
        )
    )
    label_format: str = dataclasses.field(
        default="png",
        metadata=_feature("image/segmentation/class/format", "text", values=("png",)),
    )
    classes: tuple[int, ...] = dataclasses.field(
        metadata=_feature(
            "image/segmentation/class/label",
            "int",
            ragged=True,
            minimum=1,
            maximum=254,
            note="distinct classes present, without background and void",
        )
    )
    source: str = dataclasses.field(
        metadata=_feature(
            "image/segmentation/class/source", "text", values=("voc", "sbd")
        )
    )


def features(record_type: type[ImageRecord]) -> Mapping[str, Feature]:
    """Returns attribute name -> Feature of a record type: its one field table."""
    return {
        field.name: field.metadata["feature"]
        for field in dataclasses.fields(record_type)
    }


def tf_parse_spec(record_type: type[ImageRecord]) -> dict[str, Any]:
    """Returns the `features` argument for `tf.io.parse_single_example`, by key."""
    import tensorflow as tf

    dtypes = {"bytes": tf.string, "text": tf.string, "int": tf.int64}
    return {
        feature.key: tf.io.RaggedFeature(dtypes[feature.kind])
        if feature.ragged
        else tf.io.FixedLenFeature([], dtypes[feature.kind])
        for feature in features(record_type).values()
    }


def schema_pbtxt(
    record_type: type[ImageRecord], *, maxima: Mapping[str, int] | None = None
) -> str:
    """Returns the record type as a tensorflow-metadata `Schema` in text form.

    Args:
        record_type: whose field table to write.
        maxima: key -> a narrower upper bound that one data set keeps, for example its
            own highest class id.
    """
    entries = []
    for feature in features(record_type).values():
        maximum = (maxima or {}).get(feature.key, feature.maximum)
        entries.append(_schema_entry(dataclasses.replace(feature, maximum=maximum)))
    return "".join(entries)


def _schema_entry(feature: Feature) -> str:
    lines = [
        f'name: "{feature.key}"',
        f"type: {'INT' if feature.kind == 'int' else 'BYTES'}",
        "presence { min_fraction: 1.0 min_count: 1 }",
        "value_count { min: 0 }" if feature.ragged else "shape { }",
    ]
    if feature.kind == "int":
        lines.append(f"int_domain {{ min: {feature.minimum} max: {feature.maximum} }}")
    elif feature.values:
        values = " ".join(f'value: "{value}"' for value in feature.values)
        lines.append(f'string_domain {{ name: "{feature.key}" {values} }}')
    elif feature.is_image:
        lines.append("image_domain { }")
    if feature.note:
        lines.append(f'annotation {{ tag: "{feature.note}" }}')
    return "feature {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _fill(slot: Any, feature: Feature, value: Any) -> None:
    """Writes a value into a tf.train.Feature; an empty tuple keeps its type."""
    items = value if feature.ragged else (value,)
    if feature.kind == "int":
        slot.int64_list.SetInParent()
        slot.int64_list.value.extend(items)
    else:
        slot.bytes_list.value.extend(
            item.encode() if isinstance(item, str) else item for item in items
        )


def _value(slot: Any, feature: Feature) -> Any:
    """Returns what `_fill` wrote, checked against the feature's domain."""
    expected = "int64_list" if feature.kind == "int" else "bytes_list"
    if slot.WhichOneof("kind") != expected:
        raise RecordError(
            f"{feature.key} holds {slot.WhichOneof('kind')}, expected {expected}"
        )
    items = list(getattr(slot, expected).value)
    if feature.kind == "text":
        items = [item.decode("utf-8", "replace") for item in items]
    if not feature.ragged and len(items) != 1:
        raise RecordError(f"{feature.key} holds {len(items)} values, expected one")
    value = tuple(items) if feature.ragged else items[0]
    feature.check(value)
    return value
