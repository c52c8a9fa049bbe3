"""The flags of `fcn nightly`; what a night does stands in its configuration file."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from pipelines.settings import JobConfig, Names


class NightlyCommand(JobConfig):
    """Score a night as a configuration file says, judge it, publish it."""

    command: ClassVar[str] = "fcn nightly"
    beam: ClassVar[bool] = True

    run_date: str | None = Field(
        default=None,
        description="the night: YYYY-MM-DD, today or yesterday; the file's if unset",
    )
    job: Names = Field(default=[], description="only these jobs of the file")
    accept: str | None = Field(
        default=None,
        description="publish the night whatever its gates find, for this reason, which "
        "is written into its commit; what is computed is not computed again",
    )
    rescore: bool = Field(
        default=False, description="score again what another model or decoder scored"
    )
    backfill: bool = Field(
        default=False, description="all nights from --from to --to, the oldest first"
    )
    from_: str | None = Field(
        default=None, alias="from", description="first day of --backfill, YYYY-MM-DD"
    )
    to: str | None = Field(
        default=None, description="last day of --backfill, YYYY-MM-DD"
    )
    together: bool = Field(
        default=False, description="the backfill as one night, that of --to"
    )
    init: bool = Field(
        default=False,
        description="write a commented file to --config, out of --input, --output and "
        "--timezone, or questions",
    )
    print_config: bool = Field(
        default=False, description="print the file with every key, defaults included"
    )
    pin_canaries: bool = Field(
        default=False, description="write what the canaries come to now as their pins"
    )
    input: str | None = Field(default=None, description="for --init: the photos")
    output: str | None = Field(default=None, description="for --init: the results")
    timezone: str | None = Field(
        default=None, description="for --init: decides which day is yesterday"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        ends = {self.from_ is not None, self.to is not None}
        if ends != {self.backfill}:
            raise ValueError("expected --backfill, --from and --to together")
        if self.backfill and self.run_date is not None:
            raise ValueError("expected --run_date or --backfill, not both")
        if self.together and not self.backfill:
            raise ValueError("expected --backfill beside --together")
        if self.accept is not None and not self.accept.strip():
            raise ValueError("expected a reason after --accept")
        if not self.init and (self.input or self.output or self.timezone):
            raise ValueError(
                "expected --input, --output and --timezone beside --init only; they "
                "stand in the file"
            )
        return self
