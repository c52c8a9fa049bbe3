"""The settings of the commands about nights; `settings` makes them flags and help."""

import datetime
import zoneinfo
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipelines.expected import expects
from pipelines.fields import (
    ChunkSize,
    Engine,
    ErrorRate,
    InstructionSet,
    Lanes,
    Precision,
    Views,
)
from pipelines.settings import POSITIONAL, JobConfig, Names

Device = Annotated[
    str,
    Field(
        pattern=r"^(auto|none|cpu|\d{1,3})$",
        json_schema_extra=expects("auto, none, cpu or the number of a GPU"),
        description="what computes the models in batches that all lanes fill: auto "
        "(every GPU), the number of a GPU, or cpu, which tries the same without one; "
        "none: each lane computes its own photos, as on CPUs",
    ),
]
GpuBatch = Annotated[
    int | None,
    Field(ge=1, le=1024, description="photos of a batch; by its pixels if unset"),
]
Durable = Annotated[
    bool,
    Field(
        description="results outlive a loss of power: they are on the disk before what "
        "names them; false for scratch"
    ),
]


class ScoreConfig(JobConfig):
    """Score photos: a segmentation mask and an aesthetic score for each."""

    command: ClassVar[str] = "fcn score"
    beam: ClassVar[bool] = True

    input: str = Field(
        description="photos: a folder, a glob, a text/CSV/Parquet manifest, TFRecords"
    )
    output: str = Field(description="folder for masks, scores table and page")
    exclude: Names = Field(
        default=[],
        description="patterns of what is left out: names such as '*_old.jpg', or paths "
        "below the input such as 'album/*/small'",
    )
    model: Names = Field(
        default=["voc21", "aesthetics", "quality"],
        description="built-in names or bundle folders, at most one a task",
    )
    run_date: str = Field(
        default="today", description="the night: YYYY-MM-DD, today or yesterday"
    )
    timezone: str = Field(
        default="UTC", description="time zone that decides which day is today"
    )
    engine: Engine = "auto"
    precision: Precision = "auto"
    instruction_set: InstructionSet = "auto"
    lanes: Lanes = None
    device: Device = "auto"
    gpu_batch: GpuBatch = None
    masks: Literal["auto", "png", "tar", "none"] = Field(
        default="auto",
        description="one PNG a photo, one tar a chunk, or none; auto: png on a disk, "
        "tar on gs://",
    )
    max_side: int | None = Field(
        default=None,
        ge=32,
        le=8192,
        description="longest side that the models see, in pixels; each card's if unset",
    )
    tile: int | None = Field(
        default=None,
        ge=256,
        le=4096,
        description="side of overlapping tiles, in pixels, for photos larger than "
        "this; needs a larger --max_side",
    )
    views: Views = "1"
    chunk_size: ChunkSize = 256
    max_error_rate: ErrorRate = 0.05
    rescore: bool = Field(
        default=False, description="score again what another model or decoder scored"
    )
    known_by: Literal["version", "content"] = Field(
        default="version",
        description="how a photo is known again: by its place and version (size, "
        "time), or by its content, too: what was moved is read once, not scored again",
    )
    limit: int | None = Field(
        default=None, ge=1, description="score at most this many photos this night"
    )
    durable: Durable = True

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return check_zone(name)

    @field_validator("tile")
    @classmethod
    def _below_max_side(cls, tile: int | None, info: ValidationInfo) -> int | None:
        max_side = info.data.get("max_side")
        if tile is not None and (max_side is None or max_side <= tile):
            raise ValueError(
                f"expected a --max_side above it, got {max_side or 'none'}: photos are "
                "shrunk to that size first, and only larger ones are tiled"
            )
        return tile

    @field_validator("run_date")
    @classmethod
    def _known_date(cls, text: str) -> str:
        if text not in ("today", "yesterday"):
            try:
                if datetime.date.fromisoformat(text).isoformat() != text:
                    raise ValueError
            except ValueError as error:
                raise ValueError("expected YYYY-MM-DD, today or yesterday") from error
        return text

    @property
    def night(self) -> str:
        """The night as YYYY-MM-DD."""
        return resolve_date(self.run_date, self.timezone)


def check_zone(name: str) -> str:
    """Returns the name of a time zone.

    Raises:
        ValueError: There is no such zone.
    """
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("expected a name such as Europe/Berlin or UTC") from error
    return name


def resolve_date(text: str, timezone: str) -> str:
    """Returns YYYY-MM-DD for a date, `today` or `yesterday` in a time zone."""
    today = datetime.datetime.now(zoneinfo.ZoneInfo(timezone)).date()
    if text == "today":
        return today.isoformat()
    if text == "yesterday":
        return (today - datetime.timedelta(days=1)).isoformat()
    return text


class OutputConfig(JobConfig):
    """A command about an output of `fcn score`."""

    output: str = Field(
        description="an output folder of fcn score", json_schema_extra=POSITIONAL
    )


class StatusConfig(OutputConfig):
    """Show how far the nights of an output are."""

    command: ClassVar[str] = "fcn status"

    run_date: str | None = Field(
        default=None, description="one night, YYYY-MM-DD; all if unset"
    )
    watch: bool = Field(
        default=False,
        description="show the progress of a night, the latest if none is named, until "
        "it is committed (exit code 0) or failed (3), wherever it is scored; with "
        "--json, a line whenever it has changed",
    )

    last: int | None = Field(
        default=None, ge=1, description="show only so many nights, the latest"
    )
    verify: bool = Field(
        default=False,
        description="read all that plans and commits name, masks too, and compare "
        "hashes: damaged chunks are named, with the command that mends them; exit code "
        "1 if there are any",
    )


class ReportConfig(OutputConfig):
    """Write a night's page again."""

    command: ClassVar[str] = "fcn report"

    run_date: str | None = Field(
        default=None, description="the night, YYYY-MM-DD; the latest if unset"
    )


class DiscardConfig(OutputConfig):
    """Give up a night that is not committed; its photos may be planned again."""

    command: ClassVar[str] = "fcn discard"

    run_date: str = Field(description="the night to give up, YYYY-MM-DD")


class ReplayConfig(OutputConfig):
    """Score the failed photos of all nights again, as a night of its own."""

    command: ClassVar[str] = "fcn replay"
    beam: ClassVar[bool] = True

    lanes: Lanes = None
    device: Device = "auto"
    gpu_batch: GpuBatch = None
    max_error_rate: ErrorRate = 0.05
    durable: Durable = True
