"""The scores table: one row per planned photo, ok or failed."""

from dataclasses import dataclass
from typing import Final

from pipelines.chunks.columns import Float32, Int32, Int64, String, schema_of

SCHEMA_VERSION: Final = 2


@dataclass(frozen=True, kw_only=True)
class ScoreRow:
    """A row of the table; no column depends on when it was made.

    Attributes:
        image_key: Name of the photo's results, see `items.image_key`.
        image_uri: Where it was read.
        version: Which of its versions.
        sha256: Of its bytes, in hex.
        width: Of the upright photo, in pixels.
        height: Of the upright photo, in pixels.
        status: `ok`, or `failed` as `ErrorColumns` say.
        segmentation_classes: Class ids in the mask, ascending.
        segmentation_pixels: Pixels of each of them.
        dominant_class: The most frequent class but the background.
        mask_path: Of its mask, below the output.
        mask_sha256: Of the mask's PNG, in hex.
        aesthetics_ratings: Share of each rating that people would give.
        aesthetics_mean: Mean rating.
        aesthetics_std: Standard deviation of the ratings.
        technical_ratings: Likewise, of a model of technical quality.
        technical_mean: Mean rating.
        technical_std: Standard deviation of the ratings.
        models: `name@version` of each model, joined by `+`.
        fingerprint: The models, the arithmetic and the sizes.
        decode_policy: Version of the rules by which bytes become pixels.
    """

    image_key: String
    image_uri: String
    version: String
    sha256: String | None = None
    width: Int32 | None = None
    height: Int32 | None = None
    status: String
    error_stage: String | None = None
    error_reason: String | None = None
    error_detail: String | None = None
    segmentation_classes: list[Int32] | None = None
    segmentation_pixels: list[Int64] | None = None
    dominant_class: Int32 | None = None
    mask_path: String | None = None
    mask_sha256: String | None = None
    aesthetics_ratings: list[Float32] | None = None
    aesthetics_mean: Float32 | None = None
    aesthetics_std: Float32 | None = None
    technical_ratings: list[Float32] | None = None
    technical_mean: Float32 | None = None
    technical_std: Float32 | None = None
    models: String
    fingerprint: String
    decode_policy: Int32


SCORES_SCHEMA: Final = schema_of(
    ScoreRow, metadata={"fcn.schema_version": str(SCHEMA_VERSION)}
)
