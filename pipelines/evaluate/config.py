"""The settings of `fcn evaluate` and `fcn voc_submission`."""

from typing import ClassVar

from pydantic import Field, field_validator

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
    data: str = Field(description="a finished folder of fcn convert")
    split: str = Field(description="the split to measure on, such as val")
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

    @field_validator("output")
    @classmethod
    def _is_json(cls, name: str) -> str:
        if not name.endswith(".json") or name.endswith("/.json"):
            raise ValueError("expected a file name ending in .json")
        return name
