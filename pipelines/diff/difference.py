"""What `fcn diff` answers: plain values, as JSON has them."""

from typing import Literal

from pydantic import Field

from pipelines.chunks.frozen import Frozen
from pipelines.diff.spread import Spread


class NightNumbers(Frozen):
    """One of the nights as a whole.

    Attributes:
        run_date: The night.
        models: `name@version` of each model.
        fingerprint: Of models, arithmetic and sizes.
        planned: Photos.
        ok: Of them with a result.
        failed: Of them with a reason.
        failures: Reason -> photos.
        pixels: Class -> its share of all pixels.
        ratings: Task -> how the mean ratings are spread.
    """

    run_date: str
    models: str = ""
    fingerprint: str = ""
    planned: int = 0
    ok: int = 0
    failed: int = 0
    failures: dict[str, int] = Field(default={})
    pixels: dict[str, float] = Field(default={})
    ratings: dict[str, Spread] = Field(default={})


class RatingShift(Frozen):
    """How the mean ratings of the photos in both nights moved.

    Attributes:
        shift: How the differences, second minus first, are spread.
        moved: Photos whose rating moved by more than a tenth.
    """

    shift: Spread
    moved: int


class ClassChange(Frozen):
    """Photos whose dominant class is another one now."""

    before: str
    after: str
    photos: int


class Side(Frozen):
    """A photo's row in one night, as far as it is compared.

    Attributes:
        status: `ok` or `failed`.
        reason: Why it failed.
        dominant_class: By name.
        aesthetics_mean: Its mean rating.
        technical_mean: Its mean rating.
        mask_path: Of its mask, below the output.
        mask_sha256: Of the mask's PNG, in hex.
    """

    status: str
    reason: str | None = None
    dominant_class: str | None = None
    aesthetics_mean: float | None = None
    technical_mean: float | None = None
    mask_path: str | None = None
    mask_sha256: str | None = None


class Example(Frozen):
    """A photo to look at; a side is null where the night does not have it."""

    image_uri: str
    version: str
    sha256: str | None
    before: Side | None
    after: Side | None


class Difference(Frozen):
    """Two nights compared.

    Attributes:
        schema_version: Raised where a field changes its meaning or goes.
        before: The first night as a whole.
        after: The second.
        both: Photos that both have in the same version.
        replaced: Photos that both have, in another version: not compared.
        only_before: Photos that only the first has.
        only_after: Photos that only the second has.
        dominant_changed: Photos of both with another dominant class.
        dominant: The most frequent of these changes.
        pixels: Class -> its share of the pixels of photos that are ok in both, second
            minus first.
        ratings: Task -> how the ratings of these photos moved.
        new_failures: Reason -> photos that were ok and failed now.
        mended: Reason -> photos that failed and are ok now.
        examples: Kind of change -> some photos: `aesthetics`, `technical`: the largest
            shifts; `dominant`; `new_failures`; `only_before`, `only_after`.
    """

    schema_version: Literal[1] = 1
    before: NightNumbers
    after: NightNumbers
    both: int
    replaced: int
    only_before: int
    only_after: int
    dominant_changed: int
    dominant: tuple[ClassChange, ...]
    pixels: dict[str, float]
    ratings: dict[str, RatingShift]
    new_failures: dict[str, int]
    mended: dict[str, int]
    examples: dict[str, tuple[Example, ...]]
