"""A job of `fcn nightly`: one output, with the settings of `fcn score` and gates."""

import datetime
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from pipelines import files
from pipelines.nightly import dated
from pipelines.score.config import ScoreConfig
from pipelines.score.gate_settings import GateSettings
from pipelines.settings import JobConfig

Flag = str | int | float | bool | list[str] | None

_OWN: Final = {*JobConfig.model_fields, "input", "output", "run_date"}
DAY: Final = datetime.date(2000, 1, 1)
"""Any day, for settings that are asked for without a night."""

SCORE_KEYS: Final = [name for name in ScoreConfig.model_fields if name not in _OWN]
"""Keys of a job that are flags of `fcn score`."""


class _Settings(ScoreConfig):
    """Settings of `fcn score` that no environment variable changes."""

    @classmethod
    def settings_customise_sources(  # type: ignore[override]
        cls,
        settings_cls: type[BaseSettings],
        *,
        init_settings: PydanticBaseSettingsSource,
        **_others: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class Job(BaseModel):
    """One output: what is scored into it each night, and how it is judged.

    Attributes:
        settings: The settings of `fcn score`, but for input, output and date.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        default="",
        description="what messages call the job; the output's last part if unset",
    )
    input: tuple[str, ...] = Field(
        min_length=1,
        description="photos, as for fcn score, one input or a list; {date} in it is "
        "the night and the days before it, {date:%Y/%m/%d} spells it otherwise",
    )
    output: str = Field(description="folder for masks, scores table and page")
    look_back: int = Field(
        default=3,
        ge=0,
        le=366,
        description="days before the night whose {date} is looked at again, for photos "
        "that came late",
    )
    gates: GateSettings = Field(
        default_factory=GateSettings, description="when a night is not published"
    )
    canaries: str | None = Field(
        default=None,
        description="folder of photos whose results canaries.yaml pins, scored "
        "before each night; fcn nightly --pin_canaries writes the pins",
    )
    beam: dict[str, Flag] = Field(
        default_factory=dict,
        description="flags of Beam as names and values: where the job runs",
    )
    settings: dict[str, Any] = Field(default_factory=dict, exclude=True)

    known_keys: ClassVar[list[str]] = []

    @field_validator("input", mode="before")
    @classmethod
    def _list_inputs(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("input")
    @classmethod
    def _check_dates(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            dated.check(text)
        return texts

    @field_validator("gates")
    @classmethod
    def _check_cost(cls, gates: GateSettings) -> GateSettings:
        if gates.max_cost is not None and gates.price_per_hour is None:
            raise ValueError("expected price_per_hour beside max_cost, got none")
        return gates

    @model_validator(mode="before")
    @classmethod
    def _split(cls, values: Any) -> Any:
        """Puts what `fcn score` knows aside."""
        if not isinstance(values, dict):
            return values
        settings = {name: values[name] for name in SCORE_KEYS if name in values}
        rest = {name: v for name, v in values.items() if name not in settings}
        return {**rest, "settings": settings}

    @property
    def label(self) -> str:
        """What messages call the job."""
        return self.name or files.name_of(self.output.rstrip("/"))

    def score_config(
        self, run_date: datetime.date, *, rescore: bool = False
    ) -> ScoreConfig:
        """Returns the settings of `fcn score` for one night.

        Raises:
            ValidationError: A value is not what its key expects.
        """
        values = {
            **self.settings,
            "input": self.input[0],
            "output": self.output,
            "run_date": run_date.isoformat(),
        }
        if rescore:
            values["rescore"] = True
        checked = _Settings(**values)
        return ScoreConfig.model_construct(**checked.model_dump())

    def beam_flags(self) -> list[str]:
        """Returns Beam's flags as words."""
        words = []
        for name, value in self.beam.items():
            values = value if isinstance(value, list) else [value]
            for each in values:
                if each is True:
                    words.append(f"--{name}")
                elif each is not None and each is not False:
                    words.append(f"--{name}={each}")
        return words

    def resolved(self) -> dict[str, Any]:
        """Returns every key with its value, defaults included."""
        config = self.score_config(DAY).model_dump(mode="json")
        own = self.model_dump(mode="json")
        first = {"name": self.label, "input": own["input"], "output": self.output}
        score = {name: config[name] for name in SCORE_KEYS}
        return {**first, **score, **{n: v for n, v in own.items() if n not in first}}
