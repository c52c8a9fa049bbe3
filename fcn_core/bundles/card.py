"""The card of an exported model: what it is, how to feed it, where it comes from.

A bundle is a SavedModel folder with `model_card.json`. The card is all that a scorer
needs to know before any weight is loaded: task, classes or rating bins, geometry,
working size, and the fingerprint that tells whether a photo was scored by exactly this
model.
"""

import json
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from fcn_core.bundles.int8_form import INT8_FILES, Digest, Int8Form
from fcn_core.canonical import content_sha256
from fcn_core.geometry import Alignment
from fcn_core.labels import RATING_TASKS, Pooling, Task
from fcn_core.whole_files import whole_file

CARD_NAME: Final = "model_card.json"
SCHEMA_VERSION: Final = 1

Byte = Annotated[int, Field(ge=0, le=255)]
LABEL_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Label = Annotated[str, Field(pattern=LABEL_PATTERN)]

_SCORES: Final = (
    "schema_version",
    "task",
    "classes",
    "rating_bins",
    "logits_stride",
    "size_multiple",
    "alignment",
    "padding_value",
    "max_side",
    "minimum_side",
)
"""Fields that change a score: always part of the fingerprint."""

_SCORES_IF_SET: Final = {
    "pooling": "average",
    "enlarge": 1.0,
    "ratings": None,
    "nearest_pixels": None,
}
"""Fields that are part of the fingerprint unless they have this value."""


class ModelError(Exception):
    """A model that cannot be used: what is wrong, what was expected, the cure."""


class Metric(BaseModel):
    """A measured figure and exactly what it was measured on."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: str
    value: float
    data: str
    split: str
    images: Annotated[int, Field(ge=0)]


class RatingsHead(BaseModel):
    """The second output of a model that segments and rates in one pass.

    Attributes:
        rating_bins: As in `ModelCard`, like the others.
        logits_stride: Of its logits.
        pooling: Of its cells.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rating_bins: list[float]
    logits_stride: Annotated[int, Field(ge=1)]
    pooling: Pooling = "average"


class ModelCard(BaseModel):
    """Everything known about an exported model, as `model_card.json` stores it.

    Attributes:
        schema_version: Of this file.
        name: Short name, such as "voc21"; a row of scores names `name@version`.
        version: Of the model, free text without "@" or "+".
        task: What the logits mean.
        classes: Class names by id (segmentation).
        rating_bins: The rating that each logit stands for, ascending (ratings).
        logits_stride: Pixels between two logits.
        size_multiple: Sides of the input must be multiples of this many pixels.
        alignment: Where logit j of stride s sits: `corner` on pixel s * j, `center` on
            s * j + (s - 1) / 2.
        padding_value: RGB, 0..255, that fills a photo's right and bottom.
        max_side: Longer photos are shrunk to this many pixels; None: never.
        enlarge: Smaller photos are multiplied by this, up to `max_side`; 1: never.
        nearest_pixels: A photo is then sampled, to about this many pixels, by nearest
            neighbour: what reads smoothing as blur must not see any. Its aspect is kept
            as far as sides that are multiples of `size_multiple` can. None: it is not.
        minimum_side: Smallest padded side that works, in pixels.
        pooling: How the logits of cells become those of the photo (ratings).
        ratings: The second output of a segmentation that rates as well.
        origin: Where every weight comes from.
        licence: Of the weights.
        notes: What a user must know, weaknesses first.
        training: Recipe, command, data, epochs, seconds.
        metrics: Measured figures, each with its data set and split.
        versions: Package name -> version, at export.
        files: Path relative to the bundle -> sha256 of the file's bytes.
        network: sha256 of what the network computes, set by the export; empty for
            bundles made elsewhere, which are known by their files alone.
        fingerprint: sha256 of the network (or else the files) and of all fields that
            change a score; computed, never given.
        int8: The same network in int8, where the bundle has it; it has a fingerprint of
            its own, and does not count in this one.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    name: Label
    version: Label
    task: Task
    classes: list[str] | None = None
    rating_bins: list[float] | None = None
    logits_stride: Annotated[int, Field(ge=1)]
    size_multiple: Annotated[int, Field(ge=1)]
    alignment: Alignment
    padding_value: tuple[Byte, Byte, Byte]
    max_side: Annotated[int, Field(ge=1)] | None = None
    enlarge: Annotated[float, Field(ge=1, le=4)] = 1.0
    nearest_pixels: Annotated[int, Field(ge=1)] | None = None
    minimum_side: Annotated[int, Field(ge=1)] = 1
    pooling: Pooling = "average"
    ratings: RatingsHead | None = None
    origin: str
    licence: str
    notes: str = ""
    training: dict[str, JsonValue] = Field(default_factory=dict)
    metrics: list[Metric] = Field(default_factory=list)
    versions: dict[str, str] = Field(default_factory=dict)
    files: dict[str, Digest] = Field(default_factory=dict)
    network: Digest | Literal[""] = ""
    fingerprint: Digest | Literal[""] = ""
    int8: Int8Form | None = None

    @model_validator(mode="after")
    def _check_task(self) -> Self:
        """Checks that names and strides fit the task and the multiple."""
        wanted, other = ("classes", "rating_bins")
        if self.task in RATING_TASKS:
            wanted, other = other, wanted
        names = getattr(self, wanted)
        if not names or getattr(self, other) is not None:
            raise ValueError(
                f"expected {wanted} and no {other} in a card for {self.task}"
            )
        if len(set(names)) != len(names) or len(names) > 255:
            raise ValueError(f"{wanted} must be at most 255 distinct values")
        if self.rating_bins is not None and self.rating_bins != sorted(names):
            raise ValueError("rating_bins must ascend")
        strides = [self.logits_stride]
        if self.ratings is not None:
            if self.task != "segmentation":
                raise ValueError("only a segmentation has ratings beside its classes")
            strides.append(self.ratings.logits_stride)
        for stride in strides:
            if self.size_multiple % stride:
                raise ValueError(
                    f"size_multiple {self.size_multiple} must be a multiple of"
                    f" logits_stride {stride}"
                )
        return self

    @property
    def num_classes(self) -> int:
        """Number of channels of the logits: classes or rating bins."""
        return len(self.classes or self.rating_bins or ())

    @property
    def parts(self) -> list[Self]:
        """One card for each task: a second output has a card of its own."""
        if self.ratings is None:
            return [self]
        rating = self.model_copy(
            update={
                "task": "aesthetics",
                "classes": None,
                "ratings": None,
                "rating_bins": self.ratings.rating_bins,
                "logits_stride": self.ratings.logits_stride,
                "pooling": self.ratings.pooling,
            }
        )
        return [self.model_copy(update={"ratings": None}), rating]

    @property
    def label(self) -> str:
        """`name@version`, as rows and reports name the model."""
        return f"{self.name}@{self.version}"

    def computed_fingerprint(self) -> str:
        """Returns the sha256 in hex of everything in this card that changes a score.

        The files' own hashes count only where `network` is unknown: two exports of one
        model differ in their bytes (TensorFlow numbers functions by process) but in no
        score.
        """
        others = {k: v for k, v in self.files.items() if k not in INT8_FILES}
        return self._fingerprint(self.network or others)

    def computed_int8_fingerprint(self) -> str:
        """Returns the same of the int8 form; empty where there is none."""
        if self.int8 is None:
            return ""
        return self._fingerprint({"int8": self.int8.network})

    def fingerprint_in(self, precision: str) -> str:
        """Returns the fingerprint of what computes in a precision."""
        if precision == "int8" and self.int8 is not None:
            return self.int8.fingerprint
        return self.fingerprint

    def _fingerprint(self, network: str | dict[str, str]) -> str:
        content = self.model_dump(include={*_SCORES, *_SCORES_IF_SET})
        for field, usual in _SCORES_IF_SET.items():
            if content[field] == usual:
                del content[field]
        return content_sha256(content | {"network": network})

    def write(self, folder: Path) -> None:
        """Writes `model_card.json` into the bundle, replacing another one."""
        content = self.model_dump(mode="json")
        if self.int8 is None:
            del content["int8"]  # a card without it stays what it was
        text = json.dumps(content, indent=2, ensure_ascii=False)
        with whole_file(folder / CARD_NAME) as new:
            new.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads the card of a bundle.

        Raises:
            ModelError: There is no card, or it is not one of this schema, or its
                fingerprint is not that of its content.
        """
        path = Path(folder) / CARD_NAME
        try:
            text = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise ModelError(
                f"{folder} is not a model: it has no {CARD_NAME}; give a folder"
                " written by `fcn export` or a built-in model's name"
            ) from None
        try:
            card = cls.model_validate_json(text)
        except ValidationError as error:
            raise ModelError(
                f"{path} is not a valid card: {_explain(error)}; export the model again"
            ) from None
        pairs = [(card.fingerprint, card.computed_fingerprint())]
        if card.int8 is not None:
            pairs.append((card.int8.fingerprint, card.computed_int8_fingerprint()))
        for found, expected in pairs:
            if found != expected:
                raise ModelError(
                    f"{path} has fingerprint {found[:12]!r}, expected"
                    f" {expected[:12]!r} for its content; export the model again"
                    " instead of editing its card"
                )
        return card


def _explain(error: ValidationError) -> str:
    """Returns pydantic's first complaint in one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the card"
    more = error.error_count() - 1
    return f"{where}: {first['msg']}" + (f" (and {more} more)" if more else "")
