"""One model per job: its fields are flags, environment, YAML file and help.

Precedence: flags > environment FCN_* > --config FILE.yaml > defaults. What is wrong in
any of them is one line: what, got, expected, cure.
"""

import argparse
import datetime
import difflib
import os
import zoneinfo
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NoReturn, Self, cast, get_origin

from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from fcn_core.training_config import TrainingConfig
from pipelines.faults import UsageError

POSITIONAL: dict[str, Any] = {"positional": True}
"""`json_schema_extra` of a field that is given by place, not by name."""

Names = Annotated[list[str], NoDecode]
"""A list that a flag gives as words and the environment gives with commas."""


class JobConfig(BaseSettings):
    """The settings of one command.

    Attributes:
        json_output: Print results as JSON for scripts.
    """

    model_config = SettingsConfigDict(
        env_prefix="FCN_", extra="forbid", frozen=True, populate_by_name=True
    )
    command: ClassVar[str] = "fcn"
    beam: ClassVar[bool] = False
    """Whether flags that the command does not know may be Beam's."""

    json_output: bool = Field(
        default=False,
        alias="json",
        description="print the result as JSON, for scripts",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _split_commas(cls, value: Any, info: Any) -> Any:
        field = cls.model_fields[info.field_name]
        if isinstance(value, str) and _is_list(field):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> tuple[Self, list[str]]:
        """Reads the command line, the environment and the configuration file.

        Returns:
            The settings, and the arguments that are left for Beam.

        Raises:
            UsageError: something is wrong with them.
        """
        parser = _parser(cls)
        known, rest = parser.parse_known_args(list(arguments))
        flags = {
            name: value for name, value in vars(known).items() if value is not None
        }
        yaml_file = flags.pop("config", None)
        if yaml_file is not None and not os.path.isfile(yaml_file):  # noqa: PTH113
            raise UsageError(
                f"--config: got {yaml_file}, expected a YAML file; check the path"
            )
        if rest and not cls.beam:
            known_flags = list(parser._option_string_actions)
            raise UsageError(f"{cls.command}: {_unknown(rest[0], known_flags)}")
        return cls._build(flags, yaml_file), rest

    @classmethod
    def _build(cls, flags: dict[str, Any], yaml_file: str | None) -> Self:
        class Settings(cls):  # type: ignore[valid-type, misc]
            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                init_settings: PydanticBaseSettingsSource,
                env_settings: PydanticBaseSettingsSource,
                dotenv_settings: PydanticBaseSettingsSource,
                file_secret_settings: PydanticBaseSettingsSource,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                file = YamlConfigSettingsSource(settings_cls, yaml_file=yaml_file)
                return init_settings, env_settings, file

        try:
            settings = Settings(**flags)
            return cast(Self, cls.model_construct(**settings.model_dump()))
        except ValidationError as error:
            raise UsageError(_sentence(cls, error)) from error
        except SettingsError as error:
            raise UsageError(f"{cls.command}: {error}") from error
        except Exception as error:
            if type(error).__module__.startswith("yaml"):
                first_line = str(error).replace("\n", " ")
                raise UsageError(
                    f"--config: got {first_line}, expected YAML; mend the file"
                ) from error
            raise

    @classmethod
    def flags(cls) -> list[str]:
        """Returns the names of the command's flags, `--` included."""
        return list(_parser(cls)._option_string_actions)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}; see {self.prog} --help")


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is list


def _is_positional(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("positional"))


def _parser(cls: type[JobConfig]) -> _Parser:
    parser = _Parser(
        prog=cls.command,
        description=(cls.__doc__ or "").split("\n")[0],
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", help="YAML file with settings of this command")
    for name, field in cls.model_fields.items():
        _add_argument(parser, field.alias or name, field)
    return parser


def _add_argument(parser: _Parser, name: str, field: FieldInfo) -> None:
    options: dict[str, Any] = {"help": _help(field), "default": None}
    if _is_positional(field):
        options["nargs"] = None if field.is_required() else "?"
        parser.add_argument(name, **options)
        return
    if field.annotation is bool:
        options |= {"nargs": "?", "const": "true"}
    elif _is_list(field):
        options |= {"nargs": "+", "action": "extend"}
    parser.add_argument(f"--{name}", metavar=name.upper(), **options)


def _help(field: FieldInfo) -> str:
    text = (field.description or "").replace("%", "%%")
    if field.is_required() or field.default in (None, False, []):
        return text
    default = field.get_default(call_default_factory=True)
    shown = " ".join(default) if isinstance(default, list) else default
    return f"{text} (default: {shown})"


def _unknown(flag: str, known: Sequence[str]) -> str:
    name = flag.partition("=")[0]
    nearest = difflib.get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0.4)
    nearest = nearest or difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "see --help"
    return f"got {name}, expected one of its flags; {hint}"


def _sentence(cls: type[JobConfig], error: ValidationError) -> str:
    """Returns the first thing that is wrong, as what, got, expected, cure."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    field = cls.model_fields.get(name) or next(
        (f for f in cls.model_fields.values() if f.alias == name), None
    )
    flag = name if field is not None and _is_positional(field) else f"--{name}"
    see = f"see {cls.command} --help"
    if first["type"] == "missing":
        meaning = field.description if field is not None else ""
        return f"{cls.command}: {flag} is missing, expected {meaning}; {see}"
    if first["type"] == "extra_forbidden":
        known = [f.alias or n for n, f in cls.model_fields.items()]
        return f"{cls.command}: {_unknown(name, known)}"
    expected = first["msg"].removeprefix("Value error, ")
    expected = expected.replace("Input should be", "expected").split(", unable")[0]
    return f"{cls.command}: {flag}: got {first['input']!r}, {expected}; {see}"


class ScoreConfig(JobConfig):
    """Score photos: a segmentation mask and an aesthetic score for each."""

    command: ClassVar[str] = "fcn score"
    beam: ClassVar[bool] = True

    input: str = Field(
        description="photos: a folder, a glob, a text/CSV/Parquet manifest, TFRecords"
    )
    output: str = Field(description="folder for masks, scores table and page")
    model: Names = Field(
        default=["voc21", "quality"],
        description="models by name or bundle folder, at most one a task",
    )
    run_date: str = Field(
        default="today", description="the night: YYYY-MM-DD, today or yesterday"
    )
    timezone: str = Field(default="UTC", description="where today is decided")
    engine: Literal["auto", "openvino", "tensorflow"] = Field(
        default="auto", description="what runs the model"
    )
    precision: Literal["auto", "f32", "bf16"] = Field(
        default="auto", description="arithmetic; bf16 needs a CPU that computes it"
    )
    lanes: int | None = Field(
        default=None, ge=1, description="scoring processes; as many as cores if unset"
    )
    masks: Literal["png", "tar", "none"] = Field(
        default="png", description="one PNG a photo, one tar a chunk, or none"
    )
    max_side: int | None = Field(
        default=None,
        ge=32,
        le=8192,
        description="longest side that the models see; their cards' own if unset",
    )
    chunk_size: int = Field(
        default=256, ge=1, le=100_000, description="photos that are committed together"
    )
    max_error_rate: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="publish only below this share of failures",
    )
    rescore: bool = Field(
        default=False, description="score again what another model or policy scored"
    )
    limit: int | None = Field(
        default=None, ge=1, description="score at most this many photos this night"
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("expected a name such as Europe/Berlin or UTC") from error
        return name

    @field_validator("run_date")
    @classmethod
    def _known_date(cls, text: str) -> str:
        return _check_date(text)

    @property
    def night(self) -> str:
        """The night as YYYY-MM-DD."""
        return resolve_date(self.run_date, self.timezone)


def _check_date(text: str) -> str:
    if text not in ("today", "yesterday"):
        try:
            if datetime.date.fromisoformat(text).isoformat() != text:
                raise ValueError
        except ValueError as error:
            raise ValueError("expected YYYY-MM-DD, today or yesterday") from error
    return text


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
    run_date: str | None = Field(
        default=None, description="the night: YYYY-MM-DD; the latest if unset"
    )


class StatusConfig(OutputConfig):
    """Tell how far the nights of an output are."""

    command: ClassVar[str] = "fcn status"


class ReportConfig(OutputConfig):
    """Write a night's page again."""

    command: ClassVar[str] = "fcn report"


class DiscardConfig(OutputConfig):
    """Give up a night that is not committed; its photos may be planned again."""

    command: ClassVar[str] = "fcn discard"


class ReplayConfig(JobConfig):
    """Score the failed photos of all nights again, as a night of its own."""

    command: ClassVar[str] = "fcn replay"
    beam: ClassVar[bool] = True

    output: str = Field(
        description="an output folder of fcn score", json_schema_extra=POSITIONAL
    )
    lanes: int | None = Field(
        default=None, ge=1, description="scoring processes; as many as cores if unset"
    )
    max_error_rate: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="publish only below this share of failures",
    )


class DemoConfig(JobConfig):
    """Score sample photos, hostile ones among them, and write the page."""

    command: ClassVar[str] = "fcn demo"

    output: str = Field(default="demo-out", description="folder for the results")
    train: bool = Field(
        default=False,
        description="run the whole road on a drawn miniature VOC: convert, train, "
        "export, score, look",
    )


class ModelsConfig(JobConfig):
    """List the built-in models, show a model's card, or prove that a bundle works."""

    command: ClassVar[str] = "fcn models"

    action: Literal["list", "show", "check"] = Field(
        description="list, show or check", json_schema_extra=POSITIONAL
    )
    name: str | None = Field(
        default=None,
        description="a built-in name or a bundle folder",
        json_schema_extra=POSITIONAL,
    )


class TrainConfig(JobConfig, TrainingConfig):  # type: ignore[misc]
    """Train a recipe on a finished folder of TFRecords."""

    command: ClassVar[str] = "fcn train"

    task: Literal["segmentation", "aesthetics"] | None = Field(  # type: ignore[assignment]
        default=None,
        description="segmentation or aesthetics; the recipe's own if left out",
        json_schema_extra=POSITIONAL,
    )


class ExportConfig(JobConfig):
    """Turn a finished training run into a bundle that scores."""

    command: ClassVar[str] = "fcn export"

    model: str = Field(description="a run folder of fcn train")
    output: str = Field(description="the bundle's folder, new or empty")
    name: str | None = Field(
        default=None, description="the model's name; its recipe's if unset"
    )
    model_version: str = Field(default="1", description="the model's version")


class ConvertVocConfig(JobConfig):
    """Turn Pascal VOC's photos and labels into TFRecords for training."""

    command: ClassVar[str] = "fcn convert voc"
    beam: ClassVar[bool] = True

    input: str = Field(description="the folder VOCdevkit/VOC2012")
    output: str = Field(description="folder for the records")
    split: Names = Field(
        default=[], description="lists to convert; train and val if unset"
    )
    num_shards: int | None = Field(
        default=None, ge=1, le=99_999, description="files a split; by its size if unset"
    )
    lanes: int | None = Field(
        default=None, ge=1, description="checking processes; as many as cores if unset"
    )
    max_error_rate: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="complete only below this share of rejected pairs",
    )
    allow_leak: bool = Field(default=False, description="let two splits share photos")
