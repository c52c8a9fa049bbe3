"""What a card says of its network in int8: how it was made, what that changed.

The bundle has the form itself as `logits-int8.xml` and `.bin` beside `logits.xml`.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

INT8_FILES: Final = ("logits-int8.xml", "logits-int8.bin")

Figure = Literal["miou", "rank_correlation"]
MIOU: Final[Literal["miou"]] = "miou"
RANKS: Final[Literal["rank_correlation"]] = "rank_correlation"
"""Of mean ratings with those in f32."""

MOST_LOSS: Final = 0.005
"""Largest loss of mIoU at which a model is computed in int8 without being asked."""

LEAST_RANKS: Final = 0.995
"""Least rank correlation with f32 at which ratings are computed in int8 at all."""

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Calibration(BaseModel):
    """How the ranges of the numbers were found.

    Attributes:
        data: Name of the data set.
        data_fingerprint: Of the data set.
        split: Where the photos were chosen from.
        photos: How many they were.
        photos_sha256: Of the sorted hashes of their files.
        seed: That they were chosen by.
        method: What quantised the network, in words.
        in_f32: Names of the layers of `logits.xml` that are not quantised.
        chosen_on: Number of photos that chose them; 0: always the same layer.
        agreement: Rank correlation with f32 on those photos; None: not measured.
        versions: Package name -> version.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    data: str
    data_fingerprint: str
    split: str
    photos: Annotated[int, Field(ge=1)]
    photos_sha256: Digest
    seed: int
    method: str
    in_f32: list[str] = Field(default_factory=list)
    chosen_on: Annotated[int, Field(ge=0)] = 0
    agreement: float | None = None
    versions: dict[str, str]


class Compared(BaseModel):
    """A figure in both precisions, on the same photos, by the code that scores.

    Attributes:
        name: `miou`, or `rank_correlation` with the ratings in f32.
        f32: In f32.
        int8: In int8.
        data: Name and fingerprint of the data set.
        split: Of the data set, and which part of it.
        images: Number of photos.
        instruction_set: What computed the int8: it rounds differently on others.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Figure
    f32: float
    int8: float
    data: str
    split: str
    images: Annotated[int, Field(ge=1)]
    instruction_set: str


class Int8Form(BaseModel):
    """The int8 form of a model.

    Attributes:
        calibration: How it was made.
        compared: What it costs, a figure a task.
        network: sha256 of what it computes.
        fingerprint: sha256 of the network and of all fields of the card that change a
            score; computed, never given. Figures do not count.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    calibration: Calibration
    compared: list[Compared] = Field(default_factory=list)
    network: Digest
    fingerprint: Digest | Literal[""] = ""

    @property
    def loss(self) -> float:
        """How much mIoU is lost; infinite where it was not measured."""
        found = self._find(MIOU)
        return round(found.f32 - found.int8, 9) if found else float("inf")

    @property
    def rank_correlation(self) -> float:
        """Of mean ratings with those in f32; 0 where it was not measured."""
        found = self._find(RANKS)
        return found.int8 if found else 0.0

    def _find(self, name: str) -> Compared | None:
        return next((each for each in self.compared if each.name == name), None)
