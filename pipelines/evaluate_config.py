"""The settings of `fcn evaluate` and `fcn voc_submission`."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from pipelines.settings import POSITIONAL, JobConfig


class EvaluateConfig(JobConfig):
    """Measure a model on a split of a finished folder of TFRecords."""

    command: ClassVar[str] = "fcn evaluate"
    beam: ClassVar[bool] = True

    model: str = Field(description="a built-in name or a bundle folder")
    data: str = Field(description="a finished folder of fcn convert")
    split: str = Field(description="which of its splits, such as val")
    output: str = Field(
        description="FILE.json; the page FILE.html and the table FILE.photos.parquet "
        "lie beside it"
    )
    engine: Literal["auto", "openvino", "tensorflow"] = Field(
        default="auto", description="what runs the model"
    )
    precision: Literal["auto", "f32", "bf16"] = Field(
        default="auto", description="arithmetic; bf16 needs a CPU that computes it"
    )
    lanes: int | None = Field(
        default=None, ge=1, description="scoring processes; as many as cores if unset"
    )
    max_side: int | None = Field(
        default=None,
        ge=32,
        le=8192,
        description="longest side that the model sees; its card's own if unset",
    )
    void: int | None = Field(
        default=None,
        ge=0,
        le=255,
        description="a label value to leave out beside the data set's own void",
    )
    chunk_size: int = Field(
        default=256, ge=1, le=100_000, description="photos that are committed together"
    )
    max_error_rate: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="publish only below this share of records that cannot be used",
    )
    allow_leak: bool = Field(
        default=False, description="measure on photos that the model was trained on"
    )

    @field_validator("output")
    @classmethod
    def _is_json(cls, name: str) -> str:
        if not name.endswith(".json") or name.endswith("/.json"):
            raise ValueError("expected a file name ending in .json")
        return name


class VocSubmissionConfig(JobConfig):
    """Turn masks of fcn score into the files of Pascal VOC's test server."""

    command: ClassVar[str] = "fcn voc_submission"

    masks: str = Field(
        description="an output folder of fcn score", json_schema_extra=POSITIONAL
    )
    output: str = Field(description="folder for results/VOC2012/...; new or empty")
    competition: Literal["comp5", "comp6"] = Field(
        default="comp6",
        description="comp5: trained on VOC's own data only; comp6: on any data",
    )
    ids: str | None = Field(
        default=None,
        description="the list of ids that must be there, such as test.txt; every "
        "scored photo if unset",
    )
    run_date: str | None = Field(
        default=None, description="take this night's rows only; all nights if unset"
    )
    tar: bool = Field(default=False, description="write results.tar as well")
