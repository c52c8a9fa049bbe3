"""Patterns of names as the shell has them, for stores whose names are no paths."""

import itertools
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from fcn_core.names import composed

SIGNS: Final = "*?["
"""What a pattern has, and a plain name has not."""

_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")


def is_pattern(text: str) -> bool:
    """Returns whether a text has a sign of a pattern."""
    return any(sign in text for sign in SIGNS)


def fixed_folder(pattern: str) -> str:
    """Returns the folder that all matches of a pattern lie in, as it is written."""
    fixed = "".join(itertools.takewhile(lambda sign: sign not in SIGNS, pattern))
    return fixed.rpartition("/")[0] or "."


def in_any_form(pattern: str) -> str:
    """Returns a pattern that matches what another does in either Unicode form.

    And more: what it finds is to be compared by `matches`.
    """
    if pattern.isascii():
        return pattern
    return "/".join(map(_loose, composed(pattern).split("/")))


def _loose(part: str) -> str:
    if part.isascii():
        return part
    return "*" if "[" in part else _FOREIGN.sub("*", part)


def matches(name: str, pattern: str) -> bool:
    """Returns whether a name with slashes matches a pattern, as `glob` would say.

    `*`, `?` and `[...]` stay between two slashes and pass over names that begin with a
    dot; `**` between two slashes stands for any folders, or none. Unicode forms do not
    matter.
    """
    return _matches(composed(name).split("/"), composed(pattern).split("/"))


def _matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not names
    first, *others = patterns
    if first == "**":
        if not others:
            return all(not name.startswith(".") for name in names)
        for skipped in range(len(names)):
            if skipped and names[skipped - 1].startswith("."):
                return False
            if _matches(names[skipped:], others):
                return True
        return False
    if not names or not _matches_one(names[0], first):
        return False
    return _matches(names[1:], others)


def _matches_one(name: str, pattern: str) -> bool:
    if not is_pattern(pattern):
        return name == pattern
    if name.startswith(".") and not pattern.startswith("."):
        return False
    return fnmatchcase(name, pattern)
