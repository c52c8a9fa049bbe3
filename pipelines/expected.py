"""What a setting expects, in plain words, where pydantic says what a value is not."""

import re
from typing import Final

from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_EXPECTS: Final = "expects"
_SHOULD: Final = re.compile(r"^\w+ should (?:be|have) ")
_ASIDE: Final = re.compile(r"(?:, unable| after validation).*$")

_IN_FILES: Final = {
    "tuple": "a list",
    "list": "a list",
    "dictionary": "keys and values",
    "string": "text",
    "boolean": "true or false",
}
_PYTHONS: Final = re.compile(rf"a valid ({'|'.join(_IN_FILES)})( or instance of \w+)?")


def expects(words: str) -> JsonDict:
    """Returns the `json_schema_extra` of a field that has a pattern.

    Args:
        words: What values fit, for people: nobody reads a pattern at night.
    """
    return {_EXPECTS: words}


def expected_by(mistake: ErrorDetails, field: FieldInfo | None) -> str:
    """Returns the words that follow `got ...,`: expected, and what.

    Args:
        mistake: What pydantic found.
        field: The field it was found in, where that is known.
    """
    words = words_of(field)
    if mistake["type"] == "string_pattern_mismatch" and words:
        return f"expected {words}"
    text = mistake["msg"].removeprefix("Value error, ")
    text = _ASIDE.sub("", _SHOULD.sub("expected ", text))
    return _PYTHONS.sub(lambda found: _IN_FILES[found[1]], text)


def words_of(field: FieldInfo | None) -> str:
    """Returns what a field says that it expects, empty where it says nothing."""
    extra = None if field is None else field.json_schema_extra
    found = extra.get(_EXPECTS) if isinstance(extra, dict) else None
    return found if isinstance(found, str) else ""
