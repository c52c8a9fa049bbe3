"""Settings of commands: fields that are flags, environment, YAML keys and help at once.

Precedence: flags > environment FCN_* > --config FILE.yaml > defaults. What is wrong in
any of them is one line: what, got, expected, cure.
"""

import argparse
import datetime
import os
import textwrap
from collections.abc import Sequence
from typing import (
    Annotated,
    ClassVar,
    Final,
    Literal,
    NoReturn,
    Self,
    cast,
    get_args,
    get_origin,
)

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from fcn_core.nearest import nearest
from pipelines import logs
from pipelines.expected import expected_by
from pipelines.faults import UsageError
from pipelines.yaml_settings import yaml_source

FETCHED_CONFIGS: Final[dict[str, str]] = {}
"""Configuration files of other stores -> their copies on this machine."""

_LAST: Final = ("json_output", "log_format")
"""What all commands have, at the end of their help."""

_ABOUT: Final = ("output", "run_date")
"""Settings that say what the lines of a log are about."""

POSITIONAL: Final[JsonDict] = {"positional": True}
"""`json_schema_extra` of a field that is given by place, not by name."""

Names = Annotated[list[str], NoDecode]
"""A list that a flag gives as words and the environment gives with commas."""


class JobConfig(BaseSettings):
    """The settings of one command.

    Attributes:
        json_output: Print results as JSON for scripts.
        log_format: Of what is written to standard error.
    """

    model_config = SettingsConfigDict(
        env_prefix="FCN_",
        env_prefix_target="all",  # else `json` would be read from JSON, not FCN_JSON
        extra="forbid",
        frozen=True,
        populate_by_name=True,
    )
    command: ClassVar[str] = "fcn"
    beam: ClassVar[bool] = False
    """Whether flags that the command does not know may be Beam's."""

    json_output: bool = Field(
        default=False,
        alias="json",
        description="print the result as JSON, for scripts",
    )
    log_format: logs.Format = Field(
        default="text",
        description="of what is written to standard error; json: one object a line",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _read_text(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, str) and _is_list(field):
            return [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, datetime.date):  # what YAML makes of 2026-11-20
            return value.isoformat()
        return value

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> tuple[Self, list[str]]:
        """Reads the command line, the environment and the configuration file.

        Returns:
            The settings, and the arguments that are left for Beam.

        Raises:
            UsageError: Something is wrong with them.
        """
        parser = _parser(cls)
        # Intermixed: a word may stand before or behind any flag.
        known, left = parser.parse_known_intermixed_args(_with_values(cls, arguments))
        flags = {
            name: value for name, value in vars(known).items() if value is not None
        }
        yaml_file = flags.pop("config", None)
        yaml_file = FETCHED_CONFIGS.get(yaml_file, yaml_file)
        if yaml_file is not None and not os.path.isfile(yaml_file):  # noqa: PTH113
            raise UsageError(
                f"--config: got {yaml_file}, expected a YAML file; check the path"
            )
        if left and not cls.beam:
            raise UsageError(f"{cls.command}: {_unknown(left[0], cls.flags())}")
        settings = cls._build(flags, yaml_file)
        logs.use(settings.log_format)
        about = {name: getattr(settings, name, None) for name in _ABOUT}
        logs.add_context(**about)
        return settings, left

    @classmethod
    def _build(cls, flags: dict[str, object], yaml_file: str | None) -> Self:
        class Settings(cls):  # type: ignore[valid-type, misc]
            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                *,
                init_settings: PydanticBaseSettingsSource,
                env_settings: PydanticBaseSettingsSource,
                **_others: PydanticBaseSettingsSource,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                file = yaml_source(settings_cls, yaml_file)
                return init_settings, env_settings, file

        try:
            settings = Settings(**flags)
            return cast(Self, cls.model_construct(**settings.model_dump()))
        except ValidationError as error:
            raise UsageError(_sentence(cls, error)) from error
        except SettingsError as error:
            raise UsageError(f"{cls.command}: {error}") from error

    @classmethod
    def flags(cls) -> list[str]:
        """Returns the names of the command's flags, `--` included."""
        return list(_parser(cls)._option_string_actions)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}; see {self.prog} --help")


class _Help(argparse.RawDescriptionHelpFormatter):
    def _split_lines(self, text: str, width: int) -> list[str]:
        """Breaks lines at blanks only: names with hyphens are there to be copied."""
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is list


def _is_positional(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("positional"))


def _with_values(cls: type[JobConfig], arguments: Sequence[str]) -> list[str]:
    """Writes `--rescore` as `--rescore=true`: only true or false is its value."""
    switches = {
        f"--{field.alias or name}"
        for name, field in cls.model_fields.items()
        if field.annotation is bool
    }
    words, rest = list[str](), list(arguments)
    while rest:
        word = rest.pop(0)
        if word in switches:
            is_value = rest and rest[0].lower() in ("true", "false")
            word = f"{word}={rest.pop(0).lower() if is_value else 'true'}"
        words.append(word)
    return words


def _parser(cls: type[JobConfig]) -> _Parser:
    parser = _Parser(
        prog=cls.command,
        description=(cls.__doc__ or "").split("\n")[0],
        allow_abbrev=False,
        formatter_class=_Help,
    )
    # What must be given first, what all commands have last.
    fields = sorted(
        cls.model_fields.items(),
        key=lambda item: (not item[1].is_required(), item[0] in _LAST),
    )
    for name, field in fields:
        _add_argument(parser, field.alias or name, field)
    parser.add_argument("--config", help="YAML file with settings of this command")
    return parser


def _add_argument(parser: _Parser, name: str, field: FieldInfo) -> None:
    flag, text = f"--{name}", _help(field)
    if _is_positional(field):
        count = None if field.is_required() else "?"
        parser.add_argument(name, help=text, nargs=count)
    elif field.annotation is bool:
        values = "true|false"
        parser.add_argument(flag, help=text, metavar=values, nargs="?", const="true")
    elif _is_list(field):
        parser.add_argument(
            flag, help=text, metavar=name.upper(), nargs="+", action="extend"
        )
    else:
        parser.add_argument(flag, help=text, metavar=_metavar(name, field))


def _metavar(name: str, field: FieldInfo) -> str:
    """Returns the words that a flag may have, where they are few and known."""
    if get_origin(field.annotation) is Literal:
        return "|".join(get_args(field.annotation))
    return name.upper()


def _help(field: FieldInfo) -> str:
    text = (field.description or "").replace("%", "%%")
    if field.is_required():
        return text if _is_positional(field) else f"{text} (required)"
    if field.default in (None, False, []):
        return text
    default = field.get_default(call_default_factory=True)
    shown = " ".join(default) if isinstance(default, list) else str(default)
    if isinstance(default, bool):
        shown = shown.lower()  # as it is typed
    return f"{text} (default: {shown})"


def _unknown(flag: str, known: Sequence[str]) -> str:
    name = flag.partition("=")[0]
    close = nearest(name, known)
    hint = f"did you mean {close}?" if close else "see --help"
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
    expected = expected_by(first, field)
    if not name:  # of several flags: the sentence names them itself
        return f"{cls.command}: {expected}; {see}"
    return f"{cls.command}: {flag}: got {first['input']!r}, {expected}; {see}"
