"""What is wrong with a configuration file, in one line: key, got, expected, cure."""

import types
from collections.abc import Iterator, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from fcn_core.nearest import did_you_mean
from pipelines.expected import expected_by

_SEE = "see docs/nightly.md"


def sentence(error: ValidationError, *, file: str, top: type[BaseModel]) -> str:
    """Returns the first mistake; an unknown key before what is missing for it.

    Args:
        error: What pydantic found.
        file: What the line calls the file.
        top: The model of the file.
    """
    found = error.errors()
    unknown = (each for each in found if each["type"] == "extra_forbidden")
    first = found[0]
    if first["type"] == "missing":
        first = next(unknown, first)
    key = _spelt(first["loc"])
    where = f"{file}: {key}: " if key else f"{file}: "
    if first["type"] == "missing":
        return f"{where}got nothing, expected a value; {_SEE}"
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        known = [*_keys(top, first["loc"][:-1])]
        cure = did_you_mean(name, known, otherwise=_SEE)
        return f"{where}got {name}, expected one of its keys; {cure}"
    expected = expected_by(first, _field_at(top, first["loc"]))
    got = "" if expected.startswith("expected") and not key else _short(first["input"])
    return f"{where}{f'got {got}, ' if got else ''}{expected}; {_SEE}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _spelt(places: Sequence[int | str]) -> str:
    """Returns a key as people write it: jobs[1].gates.max_psi."""
    text = ""
    for place in places:
        text += f"[{place}]" if isinstance(place, int) else f".{place}"
    return text.lstrip(".")


def _field_at(
    model: type[BaseModel] | None, places: Sequence[int | str]
) -> FieldInfo | None:
    """Returns the field at a place, None where the models have none."""
    field: FieldInfo | None = None
    for place in places:
        if not isinstance(place, int):
            field = None if model is None else model.model_fields.get(place)
            model = None if field is None else _model_of(field.annotation)
    return field


def _keys(model: type[BaseModel], places: Sequence[int | str]) -> Iterator[str]:
    """Yields the keys of the model at a place."""
    for place in places:
        field = None if isinstance(place, int) else model.model_fields.get(place)
        if field is not None:
            model = _model_of(field.annotation) or model
    yield from getattr(model, "known_keys", model.model_fields)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Returns the model that a field holds: itself, one of several, or perhaps one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType, tuple, list):
        found = [_model_of(each) for each in get_args(annotation)]
        return next((each for each in found if each is not None), None)
    return None
