"""The settings of `fcn estimate`: those of the night, and of the estimate."""

from typing import ClassVar

from pydantic import Field

from pipelines.score.config import ScoreConfig


class EstimateConfig(ScoreConfig):
    """Estimate hours and costs of a night before it is scored; writes nothing."""

    command: ClassVar[str] = "fcn estimate"
    beam: ClassVar[bool] = False

    output: str = Field(
        default="",
        description="the night's output: what it knows already is not counted",
    )
    sample: int = Field(
        default=32, ge=1, le=1000, description="how many of the photos are measured"
    )
    workers: int = Field(
        default=10, ge=1, le=10_000, description="workers of Dataflow to count with"
    )
    prices: str | None = Field(
        default=None,
        description="YAML file with your prices and machines, see docs/estimate.md; "
        "those of the package if unset",
    )
