"""Settings of `fcn voc_submission`."""

from typing import ClassVar, Literal

from pydantic import Field

from pipelines.settings import POSITIONAL, JobConfig


class VocSubmissionConfig(JobConfig):
    """Turn masks of fcn score into files for Pascal VOC's test server."""

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
        description="list of ids to submit, such as test.txt; every scored photo if "
        "unset",
    )
    run_date: str | None = Field(
        default=None, description="submit this night alone; all nights if unset"
    )
    tar: bool = Field(default=False, description="write results.tar as well")
