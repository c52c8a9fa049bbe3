"""Checks documents against published schemas, as far as those go: names and types."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

PUBLISHED: Final = Path(__file__).parent / "published"

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


class Schema:
    """The definitions of a file in `published`."""

    def __init__(self, name: str):
        found = json.loads((PUBLISHED / f"{name}.json").read_text())
        self._definitions: Mapping[str, Any] = found.get("$defs") or found["schemas"]

    def errors(self, kind: str, document: object) -> list[str]:
        """Returns what is wrong with a document of a kind, each with its place."""
        return list(self._check(self._definitions[kind], document, kind))

    def _check(self, rule: Mapping[str, Any], value: Any, at: str) -> Iterator[str]:
        if "$ref" in rule:
            name = re.sub(r"^#/\$defs/", "", rule["$ref"])
            yield from self._check(self._definitions[name], value, at)
            return
        if "oneOf" in rule:
            tried = [list(self._check(each, value, at)) for each in rule["oneOf"]]
            if all(tried):
                yield f"{at}: {value!r} is none of its kinds"
            return
        kinds = rule.get("type", "any")
        names = [kinds] if isinstance(kinds, str) else kinds
        if names != ["any"] and not any(_is(value, name) for name in names):
            yield f"{at}: got {value!r}, expected {' or '.join(names)}"
            return
        if "enum" in rule and value not in rule["enum"]:
            yield f"{at}: got {value!r}, expected one of {rule['enum']}"
        if isinstance(value, dict):
            yield from self._check_fields(rule, value, at)
        if isinstance(value, list):
            for number, each in enumerate(value):
                yield from self._check(rule["items"], each, f"{at}[{number}]")

    def _check_fields(
        self, rule: Mapping[str, Any], value: Mapping[str, Any], at: str
    ) -> Iterator[str]:
        known, others = rule.get("properties", {}), rule.get("additionalProperties")
        for name in rule.get("required", ()):
            if name not in value:
                yield f"{at}: {name} is missing"
        for name, each in value.items():
            if name in known:
                yield from self._check(known[name], each, f"{at}.{name}")
            elif isinstance(others, dict):
                yield from self._check(others, each, f"{at}.{name}")
            else:
                yield f"{at}: {name} is unknown"


def _is(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])
