"""The settings of `fcn evaluate` and `fcn voc_submission`."""

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.settings import (
    ChunkSize,
    Engine,
    ErrorRate,
    InstructionSet,
    JobConfig,
    Lanes,
    Precision,
)


class EvaluateConfig(JobConfig):
    """Measure a model on a split of a finished folder of TFRecords."""

    command: ClassVar[str] = "fcn evaluate"
    beam: ClassVar[bool] = True

    model: str = Field(description="a built-in name or a bundle folder")
    data: str = Field(
        description="a finished folder of fcn convert; with --targets one of photos"
    )
    split: str | None = Field(
        default=None,
        description="the split to measure on, such as val; none with --targets",
    )
    targets: str | None = Field(
        default=None,
        description="a CSV with votes or mean scores of the photos in --data",
    )
    output: str = Field(
        description="FILE.json, with FILE.html and FILE.photos.parquet beside it"
    )
    engine: Engine = "auto"
    precision: Precision = "auto"
    instruction_set: InstructionSet = "auto"
    lanes: Lanes = None
    max_side: int | None = Field(
        default=None,
        ge=32,
        le=8192,
        description="longest side that the model sees, in pixels; its card's if unset",
    )
    views: Literal["1", "3", "square"] = Field(
        default="1",
        description="how aesthetics sees a photo: 1, whole; 3, the mean of squares "
        "that cover it, for three times the time; square, warped to one as published",
    )
    void: int | None = Field(
        default=None,
        ge=0,
        le=255,
        description="a label value to leave out, besides the data set's own void",
    )
    chunk_size: ChunkSize = 256
    max_error_rate: ErrorRate = Field(
        default=0.05,
        description="publish only below this share of unusable records",
    )
    allow_leak: bool = Field(
        default=False,
        description="measure even on photos that the model was trained on",
    )

    @model_validator(mode="after")
    def _has_a_split_or_a_table(self) -> Self:
        if self.split is None and self.targets is None:
            raise ValueError(
                "--split: got none, expected the split of --data to measure on, such "
                "as val; or pass --targets with a CSV of ratings"
            )
        if self.split is not None and self.targets is not None:
            raise ValueError(
                f"--split: got {self.split} with --targets, expected one of the two: a "
                "table has no splits; leave --split out"
            )
        return self

    @field_validator("output")
    @classmethod
    def _is_json(cls, name: str) -> str:
        if not name.endswith(".json") or name.endswith("/.json"):
            raise ValueError("expected a file name ending in .json")
        return name
