"""Settings of `fcn prune`."""

import re
from typing import ClassVar

from pydantic import Field, field_validator

from pipelines.score.config import OutputConfig, check_zone

_UNITS = {"d": 1, "w": 7}


class PruneConfig(OutputConfig):
    """Remove masks that a rule lets go, and what killed and discarded nights left."""

    command: ClassVar[str] = "fcn prune"

    masks_after: str | None = Field(
        default=None,
        description="remove the masks of committed nights that are so old, such as 30d "
        "or 8w; their scores stay. All masks stay if unset",
    )
    timezone: str = Field(
        default="UTC", description="time zone that decides which day is today"
    )
    preview: bool = Field(
        default=False, description="say what would be removed, and remove nothing"
    )

    @field_validator("masks_after")
    @classmethod
    def _days_or_weeks(cls, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(r"\d{1,5}[dw]", text):
            raise ValueError("expected days or weeks such as 30d or 8w")
        return text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return check_zone(name)

    @property
    def masks_after_days(self) -> int | None:
        """The age from which masks may go, in days; None where they stay."""
        if self.masks_after is None:
            return None
        return int(self.masks_after[:-1]) * _UNITS[self.masks_after[-1]]
