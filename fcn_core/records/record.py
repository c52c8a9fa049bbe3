"""What one training example is: fields, their domains, tf.Example and back.

A record type is a frozen dataclass whose fields carry their own wire description
(`Feature`): that one table gives the writer, the parser, TensorFlow's parse spec and
`schema.pbtxt` (see `schema`), so they cannot disagree. Keys are those of
DeepLab's converter (`image/encoded`, `image/segmentation/class/encoded`, ...); its
reader parses these records unchanged.

TensorFlow is not needed to write or read them: see `tfrecord`.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final, Self

from google.protobuf import message

from fcn_core.labels import RATING_BINS, Task
from fcn_core.records import tfrecord
from fcn_core.records.fields import Feature, Kind, RecordError, fill, value_of

_SHA256_HEX_DIGITS: Final = 64
_MAX_SIDE: Final = 65535
"""JPEG's own limit for height and width."""
MAX_RATINGS: Final = len(RATING_BINS)
"""Ratings are 1 to at most this."""


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
            RecordError: A value lies outside its feature's domain.
        """
        example = tfrecord.example_class()()
        for name, feature in features(type(self)).items():
            value = getattr(self, name)
            feature.check(value)
            fill(example.features.feature[feature.key], feature, value)
        # Features are a protobuf map, whose order is otherwise left to chance.
        return example.SerializeToString(deterministic=True)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns the record that `encode` made `data` from.

        Raises:
            RecordError: Not a tf.Example, a key is missing, unknown or of another type,
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
        expected = set(keys(cls).values())
        if expected != set(written):
            raise RecordError(
                f"keys of a {cls.__name__} differ: missing "
                f"{sorted(expected - set(written))}, unknown "
                f"{sorted(set(written) - expected)}"
            )
        return cls(
            **{name: value_of(written[f.key], f) for name, f in table.items()},
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
            "image/segmentation/class/source", "text", values=("voc", "sbd", "folder")
        )
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AestheticsRecord(ImageRecord):
    """A photo and how people rated it.

    `votes` counts the votes for ratings 1, 2, ...; mean and standard deviation (of the
    population) follow from it. A data set that publishes only means has no votes, and
    maybe no standard deviation (NaN).
    """

    votes: tuple[int, ...] = dataclasses.field(
        default=(),
        metadata=_feature(
            "image/aesthetics/votes",
            "int",
            ragged=True,
            lengths=(0, *range(2, MAX_RATINGS + 1)),
            minimum=0,
            maximum=2**31,
            note="votes for ratings 1, 2, ...",
        ),
    )
    vote_count: int = dataclasses.field(
        default=0,
        metadata=_feature("image/aesthetics/vote_count", "int", minimum=0),
    )
    mean: float = dataclasses.field(
        metadata=_feature(
            "image/aesthetics/mean", "float", minimum=1, maximum=MAX_RATINGS
        )
    )
    std: float = dataclasses.field(
        default=math.nan,
        metadata=_feature(
            "image/aesthetics/std",
            "float",
            minimum=0,
            maximum=MAX_RATINGS,
            may_be_nan=True,
            note="NaN=not known",
        ),
    )
    label: int = dataclasses.field(
        default=-1,
        metadata=_feature(
            "image/aesthetics/label",
            "int",
            minimum=-1,
            maximum=1,
            note="1=high 0=low -1=not in the protocol",
        ),
    )
    tags: tuple[int, ...] = dataclasses.field(
        default=(),
        metadata=_feature(
            "image/aesthetics/tags", "int", ragged=True, lengths=(0, 1, 2), minimum=1
        ),
    )
    challenge: int = dataclasses.field(
        default=0, metadata=_feature("image/aesthetics/challenge", "int", minimum=0)
    )
    styles: tuple[int, ...] = dataclasses.field(
        default=(),
        metadata=_feature("image/aesthetics/styles", "int", ragged=True, minimum=1),
    )


Record = SegmentationRecord | AestheticsRecord

RECORD_OF: Final[Mapping[Task, type[Record]]] = {
    "segmentation": SegmentationRecord,
    "aesthetics": AestheticsRecord,
}
"""What the examples of a data set are, by its task."""


def features(record_type: type[ImageRecord]) -> Mapping[str, Feature]:
    """Returns attribute name -> Feature of a record type: its one field table."""
    return {
        field.name: field.metadata["feature"]
        for field in dataclasses.fields(record_type)
    }


def keys(record_type: type[ImageRecord]) -> Mapping[str, str]:
    """Returns attribute name -> key in the tf.Example of a record type."""
    return {name: feature.key for name, feature in features(record_type).items()}
