"""Settings of `fcn check`."""

from typing import ClassVar

from pydantic import Field, field_validator

from pipelines.fields import Lanes
from pipelines.score.config import OutputConfig


class CheckConfig(OutputConfig):
    """Read all that the nights of an output name, and name what is damaged."""

    command: ClassVar[str] = "fcn check"
    beam: ClassVar[bool] = True

    run_date: str | None = Field(
        default=None, description="one night, YYYY-MM-DD; all if unset"
    )
    masks: str = Field(
        default="all",
        description="masks to read a night: all, or this many, evenly spread",
    )
    mend: bool = Field(
        default=False,
        description="mend what can be mended: the table from its parts, parts and "
        "masks by scoring their photos again, all to the same bytes",
    )
    lanes: Lanes = None

    @field_validator("masks")
    @classmethod
    def _all_or_number(cls, text: str) -> str:
        if text != "all" and not text.isdecimal():
            raise ValueError("expected all, or a number from 0 on")
        return text

    @property
    def most_masks(self) -> int | None:
        """Masks to read a night; None for all."""
        return None if self.masks == "all" else int(self.masks)
