"""What other programs need to read the records: a schema, and TensorFlow's parse spec.

Both are derived from the field tables of `record`, so they cannot disagree with what
is written.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fcn_core.records.fields import Feature
from fcn_core.records.record import ImageRecord, features

if TYPE_CHECKING:
    import tensorflow as tf

Narrower = Mapping[str, Mapping[str, Any]]
"""key -> attributes of its `Feature` for which one data set keeps closer bounds, for
example `{"image/aesthetics/votes": {"lengths": (10,)}}`."""


def tf_parse_spec(
    record_type: type[ImageRecord], *, narrower: Narrower | None = None
) -> "dict[str, tf.io.FixedLenFeature | tf.io.RaggedFeature]":
    """Returns the `features` argument for `tf.io.parse_single_example`, by key."""
    import tensorflow as tf

    dtypes = {
        "bytes": tf.string,
        "text": tf.string,
        "int": tf.int64,
        "float": tf.float32,
    }
    spec = {}
    for feature in _narrowed(record_type, narrower):
        dtype, shape = dtypes[feature.kind], _fixed_shape(feature)
        spec[feature.key] = (
            tf.io.RaggedFeature(dtype)
            if shape is None
            else tf.io.FixedLenFeature(shape, dtype)
        )
    return spec


def schema_pbtxt(
    record_type: type[ImageRecord], *, narrower: Narrower | None = None
) -> str:
    """Returns the record type as a tensorflow-metadata `Schema` in text form."""
    return "".join(map(_schema_entry, _narrowed(record_type, narrower)))


def _narrowed(
    record_type: type[ImageRecord], narrower: Narrower | None
) -> list[Feature]:
    return [
        dataclasses.replace(feature, **(narrower or {}).get(feature.key, {}))
        for feature in features(record_type).values()
    ]


def _fixed_shape(feature: Feature) -> list[int] | None:
    """Returns the shape that every record has; None where it differs."""
    if not feature.ragged:
        return []
    if len(feature.lengths) == 1 and feature.lengths[0] > 0:
        return [feature.lengths[0]]
    return None


def _schema_entry(feature: Feature) -> str:
    kind = {"int": "INT", "float": "FLOAT"}.get(feature.kind, "BYTES")
    lines = [
        f'name: "{feature.key}"',
        f"type: {kind}",
        "presence { min_fraction: 1.0 min_count: 1 }",
        _schema_shape(feature),
    ]
    if feature.kind in ("int", "float"):
        bounds = [
            f"{side}: {bound}"
            for side, bound in (("min", feature.minimum), ("max", feature.maximum))
            if bound is not None
        ]
        lines.append(f"{feature.kind}_domain {{ {' '.join(bounds)} }}")
    elif feature.values:
        values = " ".join(f'value: "{value}"' for value in feature.values)
        lines.append(f'string_domain {{ name: "{feature.key}" {values} }}')
    elif feature.is_image:
        lines.append("image_domain { }")
    if feature.note:
        lines.append(f'annotation {{ tag: "{feature.note}" }}')
    return "feature {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _schema_shape(feature: Feature) -> str:
    shape = _fixed_shape(feature)
    if shape is not None:
        return f"shape {{ {''.join(f'dim {{ size: {size} }} ' for size in shape)}}}"
    shortest = min(feature.lengths, default=0)
    longest = f" max: {max(feature.lengths)}" if feature.lengths else ""
    return f"value_count {{ min: {shortest}{longest} }}"
