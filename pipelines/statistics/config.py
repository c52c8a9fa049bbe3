"""Settings of `fcn stats`."""

from typing import ClassVar

from pydantic import Field

from pipelines.settings import POSITIONAL, JobConfig


class StatsConfig(JobConfig):
    """Validate a converted data set and report what it holds."""

    command: ClassVar[str] = "fcn stats"
    beam: ClassVar[bool] = True

    data: str = Field(
        description="a folder of fcn convert", json_schema_extra=POSITIONAL
    )
    output: str | None = Field(
        default=None,
        description="JSON file for the figures, with the page beside it; "
        "statistics.json in the folder if unset",
    )
