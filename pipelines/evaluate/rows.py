"""The table of photos of an evaluation: one row a record, ok or failed."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from pipelines.chunks.columns import Float64, Int32, Int64, String, schema_of


@dataclass(frozen=True, kw_only=True)
class PhotoRow:
    """A row of the table.

    Attributes:
        shard: File name of the record's shard.
        record: Its number in the shard.
        status: `ok`, or `failed` as `ErrorColumns` say.
        source_id: Of the record.
        filename: Of the photo.
        sha256: Of the photo's bytes, in hex.
        width: Of the upright photo, in pixels.
        height: Of the upright photo, in pixels.
        iou: The photo's own mean IoU.
        pixel_accuracy: Share of its pixels that are right.
        predicted_mean: Mean of the predicted ratings.
        predicted_std: Their standard deviation.
        target_mean: Mean of the votes.
        target_std: Their standard deviation.
        emd_r1: Earth mover's distance with r=1.
        emd_r2: Earth mover's distance with r=2.
        target: Share of each rating in the votes.
    """

    shard: String
    record: Int64
    status: String
    error_stage: String | None = None
    error_reason: String | None = None
    error_detail: String | None = None
    source_id: String | None = None
    filename: String | None = None
    sha256: String | None = None
    width: Int32 | None = None
    height: Int32 | None = None
    iou: Float64 | None = None
    pixel_accuracy: Float64 | None = None
    predicted_mean: Float64 | None = None
    predicted_std: Float64 | None = None
    target_mean: Float64 | None = None
    target_std: Float64 | None = None
    emd_r1: Float64 | None = None
    emd_r2: Float64 | None = None
    target: list[Float64] | None = None


PHOTOS_SCHEMA: Final = schema_of(PhotoRow)

WORST_SCHEMA: Final = pa.schema(
    [
        *PHOTOS_SCHEMA,
        pa.field("photo", pa.binary()),
        pa.field("label", pa.binary()),
        pa.field("mask", pa.binary()),
    ]
)
"""Rows of the worst photos with their pictures, for the page."""
