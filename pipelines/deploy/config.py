"""The settings of `fcn template`."""

from typing import ClassVar

from pydantic import Field

from pipelines.settings import JobConfig


class TemplateConfig(JobConfig):
    """Describe the Flex Template of Dataflow: its parameters, as JSON."""

    command: ClassVar[str] = "fcn template"

    output: str | None = Field(
        default=None, description="FILE.json to write; the terminal if unset"
    )
