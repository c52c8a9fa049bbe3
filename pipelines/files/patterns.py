"""Patterns of names as the shell has them, for stores whose names are no paths."""

import itertools
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

SIGNS: Final = "*?["
"""What a pattern has, and a plain name has not."""


def is_pattern(text: str) -> bool:
    """Returns whether a text has a sign of a pattern."""
    return any(sign in text for sign in SIGNS)


def fixed_folder(pattern: str) -> str:
    """Returns the folder that all matches of a pattern lie in, as it is written."""
    fixed = "".join(itertools.takewhile(lambda sign: sign not in SIGNS, pattern))
    return fixed.rpartition("/")[0] or "."


def matches(name: str, pattern: str) -> bool:
    """Returns whether a name with slashes matches a pattern, as `glob` would say.

    `*`, `?` and `[...]` stay between two slashes and pass over names that begin with a
    dot; `**` between two slashes stands for any folders, or none.
    """
    return _matches(name.split("/"), pattern.split("/"))


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
