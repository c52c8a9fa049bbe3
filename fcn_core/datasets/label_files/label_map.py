"""The file that says what the values or colours of a user's masks mean.

JSON or YAML. `classes` is a list of names in the order of their ids, or a mapping of
pixel value to name; `void` is the value that is neither trained on nor evaluated (if
left out 255, unless that is the value of a class). Masks that are colour pictures need
`colours`: name (or `void`) to `[r, g, b]` or "#rrggbb". The `label_map.json` of a
converted data set is such a file.

    classes: [background, road, car]
    void: 255
    colours: {background: [0, 0, 0], road: "#804080", car: [0, 0, 142], void: "#ffffff"}
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import pydantic

from fcn_core.datasets.bad_record import ListError
from fcn_core.labels import VOID

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
_VOID_NAME: Final = "void"
_VOID_NAMES: Final = frozenset(
    (_VOID_NAME, "ignore", "ignored", "unlabeled", "unlabelled", "border")
)
"""What people call the value that is no class."""

Value = Annotated[int, pydantic.Field(ge=0, le=255)]
Rgb = tuple[Value, Value, Value]


class LabelMap(pydantic.BaseModel):
    """Pixel values and colours of masks, and the classes they become.

    Attributes:
        names: Of the classes, by class id.
        void: What void pixels have in records.
        values: Pixel value of an index mask -> class id or `void`.
        colours: `(r, g, b)` of a colour mask and its class id or `void`; empty where
            the map names no colours.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    void: Value
    values: dict[Value, Value]
    colours: tuple[tuple[Rgb, Value], ...] = ()


class _File(pydantic.BaseModel):
    """The file as it is written."""

    model_config = pydantic.ConfigDict(extra="forbid")

    classes: list[str] | dict[Value, str]
    void: Value | None = VOID
    colours: dict[str, Rgb] = pydantic.Field(
        default={}, validation_alias=pydantic.AliasChoices("colours", "colors")
    )

    @pydantic.field_validator("colours", mode="before")
    @classmethod
    def _hex_as_numbers(cls, colours: Any) -> Any:
        if not isinstance(colours, Mapping):
            return colours
        return {
            name: tuple(bytes.fromhex(colour[1:]))
            if isinstance(colour, str) and _HEX.fullmatch(colour)
            else colour
            for name, colour in colours.items()
        }


def parse_label_map(data: bytes, *, name: str) -> LabelMap:
    """Returns the content of a label map file.

    Args:
        data: The file's bytes.
        name: The file's name; YAML unless it ends in .json.

    Raises:
        ListError: It is not such a file, or contradicts itself.
    """
    try:
        file = _File.model_validate(_load(data, name))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "content"
        raise ListError(
            f"{name}: {where}: got {first['input']!r:.60}, expected a file with "
            f"classes, void and colours ({first['msg']}); see docs/data.md"
        ) from error
    return _resolve(file, name)


def _load(data: bytes, name: str) -> Any:
    text = data.decode("utf-8-sig", "replace")
    try:
        if name.endswith(".json"):
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    except Exception as error:
        # Two parsers with two families of exceptions; both mean the same.
        message = " ".join(str(error).split())
        raise ListError(
            f"{name}: got {message:.120}, expected JSON or YAML; mend the file"
        ) from error


def _resolve(file: _File, name: str) -> LabelMap:
    """Gives classes the ids 0, 1, ...; values stay as they are wherever that fits."""
    listed = file.classes
    if isinstance(listed, Sequence):
        listed = dict(enumerate(listed))
    by_value = dict(sorted(listed.items()))
    given_void = _void(file, by_value)
    if given_void is not None:
        by_value = {v: n for v, n in by_value.items() if v != given_void}
    names = tuple(by_value.values())
    if not names or len(set(names)) != len(names) or len(names) > VOID:
        raise ListError(
            f"{name}: got {len(names)} classes {list(names)!r:.60}, expected 1 to "
            f"{VOID} different names; mend the file"
        )
    # A void below the number of classes would be taken for one of them.
    above = given_void is not None and given_void >= len(names)
    void = given_void if given_void is not None and above else VOID
    values = {value: class_id for class_id, value in enumerate(by_value)}
    if given_void is not None:
        values[given_void] = void
    ids = {class_name: class_id for class_id, class_name in enumerate(names)}
    return LabelMap(
        names=names,
        void=void,
        values=values,
        colours=_colours(file, {**ids, _VOID_NAME: void}, name),
    )


def _void(file: _File, by_value: Mapping[int, str]) -> int | None:
    """Returns the value of void; a class that is named for 255 is no void by chance."""
    is_given = "void" in file.model_fields_set
    name = by_value.get(VOID, _VOID_NAME)
    if not is_given and name.strip().lower() not in _VOID_NAMES:
        return None
    return file.void


def _colours(
    file: _File, ids: Mapping[str, int], name: str
) -> tuple[tuple[Rgb, int], ...]:
    unknown = set(file.colours) - set(ids)
    if unknown:
        raise ListError(
            f"{name}: got colours for {sorted(unknown)!r:.80}, expected names of "
            f"classes or {_VOID_NAME}; mend the file"
        )
    if len(set(file.colours.values())) != len(file.colours):
        raise ListError(
            f"{name}: got one colour for two classes, expected different ones; mend "
            "the file"
        )
    return tuple(
        (rgb, ids[class_name]) for class_name, rgb in sorted(file.colours.items())
    )
