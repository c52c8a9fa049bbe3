"""Tables as everyday programs write them: their encodings and separators."""

import codecs
from typing import Final

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def encoding_of(beginning: bytes) -> str:
    """Returns how a text is encoded: UTF-8, unless it begins as UTF-16 does.

    Args:
        beginning: Its first two bytes, or more.
    """
    first = beginning[:2]
    if first in _UTF16:
        return "utf-16"
    if len(first) == 2 and 0 in first:  # no mark, but a letter of two bytes
        return "utf-16-le" if first[0] else "utf-16-be"
    return "utf-8-sig"


def named_separator(line: str) -> str | None:
    """Returns the separator that a first line `sep=;` names; None if it names none."""
    text = line.rstrip("\r\n").strip('"')
    is_one = text[:4].lower() == "sep=" and len(text) == 5
    return text[4] if is_one else None


def separator_of(head: str) -> str:
    """Returns what separates the fields of a table, by its first line."""
    if "\t" in head:
        return "\t"
    return ";" if ";" in head and "," not in head else ","
