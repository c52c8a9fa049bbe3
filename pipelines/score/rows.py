"""The scores table: one row per planned photo."""

from typing import Any, Final

import pyarrow as pa

SCHEMA_VERSION: Final = 1


SCORES_SCHEMA: Final = pa.schema(
    [
        pa.field("image_key", pa.string(), nullable=False),
        pa.field("image_uri", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("sha256", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("error_stage", pa.string()),
        pa.field("error_reason", pa.string()),
        pa.field("error_detail", pa.string()),
        pa.field("segmentation_classes", pa.list_(pa.int32())),
        pa.field("segmentation_pixels", pa.list_(pa.int64())),
        pa.field("dominant_class", pa.int32()),
        pa.field("mask_path", pa.string()),
        pa.field("mask_sha256", pa.string()),
        pa.field("aesthetics_ratings", pa.list_(pa.float32())),
        pa.field("aesthetics_mean", pa.float32()),
        pa.field("aesthetics_std", pa.float32()),
        pa.field("models", pa.string(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("decode_policy", pa.int32(), nullable=False),
    ],
    metadata={"fcn.schema_version": str(SCHEMA_VERSION)},
)
"""One row per planned image, ok or failed. No column depends on when it was made."""


Row = dict[str, Any]
