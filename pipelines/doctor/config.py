"""The settings of `fcn doctor`."""

from typing import ClassVar

from pydantic import Field

from pipelines.fields import Engine, InstructionSet, Precision
from pipelines.settings import JobConfig, Names


class DoctorConfig(JobConfig):
    """Check Python, packages, machine, models, and the places and servers you name."""

    command: ClassVar[str] = "fcn doctor"
    beam: ClassVar[bool] = True

    input: str | None = Field(
        default=None, description="where photos lie: can they be listed and read?"
    )
    output: str | None = Field(
        default=None,
        description="where results go: can they be written, is there room?",
    )
    model: Names = Field(
        default=["voc21", "aesthetics", "quality"],
        description="built-in names or bundle folders: are they as they were exported?",
    )
    engine: Engine = "auto"
    precision: Precision = "auto"
    instruction_set: InstructionSet = "auto"
