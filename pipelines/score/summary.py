"""`summary.json`: a night in numbers."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fcn_core.bundles.card import Metric
from fcn_core.labels import Task
from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.score.layout import summary_uri
from pipelines.score.nights import Night


class ModelSummary(BaseModel):
    """A model as `summary.json` names it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    version: str | int = ""
    task: Task
    fingerprint: str = ""
    classes: tuple[str, ...] | None = None
    rating_bins: tuple[float, ...] | None = None
    notes: str = ""
    origin: str = ""
    licence: str = ""
    metrics: tuple[Metric, ...] = ()


class Summary(BaseModel):
    """The part of `summary.json` that the page shows."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    verdict: Literal["success", "failed"] = "success"
    why: str | None = None
    planned: int
    ok: int
    failed: int
    skipped: int = 0
    failures: dict[str, int] = Field(default_factory=dict)
    seconds: float
    images_per_second: float
    engine: str = ""
    precision: str = ""
    instruction_set: str = ""
    models: tuple[ModelSummary, ...] = ()
    command: str | tuple[str, ...] = ""

    def model(self, task: str) -> ModelSummary | None:
        """Returns the model of a task, None where none ran."""
        return next((model for model in self.models if model.task == task), None)


def read_summary(night: Night) -> dict[str, Any] | None:
    """Returns what the last finished attempt wrote; None before."""
    try:
        return json.loads(files.read_bytes(summary_uri(night.out, night.plan.run_date)))
    except FileNotFoundError:
        return None


def parse_summary(uri: str, run_date: str) -> Summary:
    """Returns the summary of a finished night.

    Raises:
        UsageError: The night is not finished.
        SystemicFault: The file is damaged.
    """
    try:
        return Summary.model_validate(json.loads(files.read_bytes(uri)))
    except FileNotFoundError as error:
        raise UsageError(
            f"{uri}: there is none, expected the summary of run_date={run_date}; "
            "let `fcn score` finish that night first"
        ) from error
    except (ValidationError, ValueError) as error:
        got = str(error).splitlines()[0]
        raise SystemicFault(
            f"{uri}: got {got}, expected what `fcn score` of this version writes; "
            "run the same `fcn score` again"
        ) from error
