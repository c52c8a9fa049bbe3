"""Settings of `fcn diff`."""

from typing import ClassVar

from pydantic import Field, field_validator

from pipelines.score.config import OutputConfig
from pipelines.settings import Names


class DiffConfig(OutputConfig):
    """Compare two published nights of an output, and write a page about it."""

    command: ClassVar[str] = "fcn diff"

    run_date: Names = Field(
        description="the two nights: the earlier one and the one that is compared with "
        "it; a replay's name is a night, too"
    )
    page: str | None = Field(
        default=None,
        description="file of the page; below the report of the second night if unset",
    )
    photos: int = Field(
        default=12,
        ge=0,
        le=200,
        description="photos that are shown of each kind of change",
    )

    @field_validator("run_date")
    @classmethod
    def _two(cls, nights: list[str]) -> list[str]:
        if len(nights) != 2 or nights[0] == nights[1]:
            raise ValueError("expected two nights such as 2026-11-19 2026-11-20")
        return nights
