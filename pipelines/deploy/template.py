"""The description of the Flex Template: what a person may fill in, and what fits.

`metadata.json` beside this file is what `fcn template` prints; a test compares them. So
a setting of `fcn score` is a parameter of the template as soon as the file is renewed.
"""

import json
import types
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from pipelines.runners.dataflow_template import PARAMETERS, Parameter
from pipelines.score.config import ScoreConfig

Json = dict[str, Any]
"""What the service reads; its format is not ours."""

_LEFT_OUT: Final = {"json_output"}
"""Settings that make no sense where nobody reads the terminal."""

_OF_WORKERS: Final = {"engine", "precision", "instruction_set"}
"""Settings whose `auto` only a worker could resolve, and a launcher is none."""

_WORKERS: Final = "Workers"
_GROUPS: Final[Mapping[str, str]] = {
    "input": "Photos",
    "output": "Photos",
    "run_date": "Photos",
    "timezone": "Photos",
    "limit": "Photos",
    "rescore": "Photos",
    "model": "Models",
    "engine": "Models",
    "precision": "Models",
    "instruction_set": "Models",
    "max_side": "Models",
    "tile": "Models",
    "views": "Models",
    "lanes": _WORKERS,
}
_OTHER_GROUP: Final = "Results"

_PATTERNS: Final[Mapping[str, str]] = {
    "input": "^gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]/[^\\r\\n]*$",
    "output": "^gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]/[^\\r\\n]*$",
    "run_date": "^([0-9]{4}-[0-9]{2}-[0-9]{2}|today|yesterday)$",
    "timezone": "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
    "instruction_set": "^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$",
    "max_error_rate": "^(0|1|0?\\.[0-9]+|1\\.0+)$",
}
_KINDS: Final[Mapping[str, str]] = {"output": "GCS_WRITE_FOLDER"}
_WHOLE: Final = "^[0-9]+$"


def metadata() -> Json:
    """Returns the template's `metadata.json`: name, description, parameters."""
    fields = (
        _of_field(field.alias or name, field)
        for name, field in ScoreConfig.model_fields.items()
        if name not in _LEFT_OUT
    )
    parameters = [*fields, *(_of_flag(parameter) for parameter in PARAMETERS)]
    return {
        "name": ScoreConfig.command,
        "description": (ScoreConfig.__doc__ or "").splitlines()[0],
        # What must be given first, each group together.
        "parameters": sorted(parameters, key=lambda each: each["isOptional"]),
    }


def text() -> str:
    """Returns the content of `metadata.json`."""
    return json.dumps(metadata(), indent=2) + "\n"


def _of_field(name: str, field: FieldInfo) -> Json:
    """Returns the parameter for a setting of the command."""
    values, by_worker = list(_words(field)), name in _OF_WORKERS
    if by_worker and values:
        values.remove("auto")
    return _entry(
        Parameter(
            name=name,
            label=name.replace("_", " ").capitalize(),
            text=_help(field),
            kind="ENUM" if values else _KINDS.get(name, _kind(field)),
            pattern=None if values else _pattern(name, field),
            values=values,
            required=field.is_required() or by_worker,
        ),
        group=_GROUPS.get(name, _OTHER_GROUP),
        default=None if by_worker else _default(field),
    )


def _of_flag(parameter: Parameter) -> Json:
    default = parameter.values[0] if parameter.name == "autoscaling_algorithm" else None
    return _entry(parameter, group=_WORKERS, default=default)


def _entry(parameter: Parameter, *, group: str, default: str | None) -> Json:
    """Returns a parameter as the service wants it; what is empty is left out."""
    content: Json = {
        "name": parameter.name,
        "label": parameter.label,
        "helpText": parameter.text,
        "isOptional": not parameter.required,
        "paramType": parameter.kind,
        "groupName": group,
    }
    if parameter.pattern is not None:
        content["regexes"] = [parameter.pattern]
    if parameter.values:
        options = [{"value": each, "label": each} for each in parameter.values]
        content["enumOptions"] = options
    if default is not None:
        content["defaultValue"] = default
    return content


def _types(field: FieldInfo) -> Iterator[Any]:
    """Yields the types that a setting may have, None left out."""
    annotation = field.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        yield from (each for each in get_args(annotation) if each is not type(None))
    else:
        yield annotation


def _words(field: FieldInfo) -> Iterator[str]:
    for each in _types(field):
        if get_origin(each) is Literal:
            yield from get_args(each)


def _kind(field: FieldInfo) -> str:
    (kind,) = _types(field)
    if kind is bool:
        return "BOOLEAN"
    return "NUMBER" if kind in (int, float) else "TEXT"


def _pattern(name: str, field: FieldInfo) -> str | None:
    (kind,) = _types(field)
    return _PATTERNS.get(name, _WHOLE if kind is int else None)


def _default(field: FieldInfo) -> str | None:
    """Returns the default as it is typed; the service fills in its own otherwise."""
    if field.is_required() or field.default is None:
        return None
    default = field.get_default(call_default_factory=True)
    if isinstance(default, bool):
        return str(default).lower()
    return (",".join(default) or None) if isinstance(default, list) else str(default)


def _help(field: FieldInfo) -> str:
    """Returns the description as a sentence."""
    description = field.description or ""
    sentence = description[:1].upper() + description[1:]
    several = "; separated by commas" if get_origin(field.annotation) is list else ""
    return f"{sentence}{several}."
