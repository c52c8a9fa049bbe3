"""The file that `fcn nightly` is called with: jobs, what they share, who watches.

Keys at the top are shared by all jobs, keys of a job win. Without `jobs` the file is
the only job. Environment variables change nothing: what a night does stands here.
"""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from pipelines import files
from pipelines.expected import expects
from pipelines.faults import UsageError
from pipelines.nightly.job import DAY, SCORE_KEYS, Job
from pipelines.nightly.mistakes import sentence
from pipelines.nightly.watchers import WatcherSettings


class NightlyConfig(BaseModel):
    """A whole file.

    Attributes:
        run_date: The night, where `--run_date` does not say.
        watchers: Who learns how each night ended.
        jobs: One an output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_date: str = Field(
        default="yesterday",
        pattern=r"^(today|yesterday|\d{4}-\d{2}-\d{2})$",
        json_schema_extra=expects("today, yesterday or YYYY-MM-DD"),
        description="the night: yesterday, today or YYYY-MM-DD, in each job's timezone",
    )
    watchers: WatcherSettings = Field(
        default_factory=WatcherSettings,
        description="who learns how each night ended",
    )
    jobs: tuple[Job, ...] = Field(
        min_length=1, description="one an output; keys above them are shared"
    )

    @model_validator(mode="before")
    @classmethod
    def _share(cls, values: Any) -> Any:
        """Gives each job the keys that stand above all."""
        if not isinstance(values, dict):
            raise ValueError("expected keys and values")
        own = {name: v for name, v in values.items() if name in cls.model_fields}
        shared = {name: v for name, v in values.items() if name not in own}
        jobs = own.get("jobs", [{}])
        if not isinstance(jobs, list) or not all(isinstance(j, dict) for j in jobs):
            return values
        return {**own, "jobs": [_merged(shared, job) for job in jobs]}

    @model_validator(mode="after")
    def _check_jobs(self) -> Self:
        outputs = [files.to_uri(job.output) for job in self.jobs]
        for what, found in (
            ("output", outputs),
            ("name", [job.label for job in self.jobs]),
        ):
            twice = sorted({each for each in found if found.count(each) > 1})
            if twice:
                raise ValueError(f"expected one job with the {what} {twice[0]}")
        return self

    def resolved(self) -> dict[str, Any]:
        """Returns every key with its value, defaults included."""
        own = self.model_dump(mode="json", exclude={"jobs"})
        return {**own, "jobs": [job.resolved() for job in self.jobs]}


Job.known_keys += [*Job.model_fields, *SCORE_KEYS, *NightlyConfig.model_fields]
Job.known_keys.remove("settings")


def _merged(shared: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a job with the shared keys; sections such as `gates` are merged."""
    merged = {**shared, **job}
    for name in ("gates", "beam"):
        parts = [each.get(name) for each in (shared, job)]
        if all(isinstance(part, dict) for part in parts):
            merged[name] = {**parts[0], **parts[1]}  # type: ignore[dict-item]
    return merged


def parse(text: str, *, file: str) -> NightlyConfig:
    """Returns what a file says.

    Args:
        text: Its content.
        file: What messages call it.

    Raises:
        UsageError: Something in it is wrong; the line names the key.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        got = " ".join(str(error).split())
        raise UsageError(f"{file}: got {got}, expected YAML; mend the file") from error
    if not isinstance(values, dict):
        raise UsageError(
            f"{file}: got no names and values, expected lines such as output: results; "
            "fcn nightly --init writes such a file"
        )
    try:
        config = NightlyConfig.model_validate(_plain(values))
        for job in config.jobs:
            job.score_config(DAY)
    except ValidationError as error:
        raise UsageError(sentence(error, file=file, top=NightlyConfig)) from error
    return config


def _plain(value: Any) -> Any:
    """Returns values without the dates that YAML makes of 2026-11-20."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def read(path: Path, *, name: str) -> NightlyConfig:
    """Returns what a file on this machine says, see `parse`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", None) or "what is not UTF-8"
        raise UsageError(
            f"--config: got {got.lower()} at {name}, expected a YAML file; check the "
            "path, or write one with fcn nightly --init"
        ) from error
    return parse(text, file=name)


def chosen(jobs: Sequence[Job], names: Sequence[str]) -> list[Job]:
    """Returns the jobs that are named, all if none is.

    Raises:
        UsageError: A name is no job's.
    """
    known = [job.label for job in jobs]
    for name in names:
        if name not in known:
            raise UsageError(
                f"--job: got {name}, expected one of {' '.join(known)}; check the name"
            )
    return [job for job in jobs if not names or job.label in names]
