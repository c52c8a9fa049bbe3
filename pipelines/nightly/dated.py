"""Inputs that name a date: `gs://bucket/photos/{date}/`, and several inputs as one.

A day whose folder is not there, or is empty, has no photo; that is no fault. What all
days lie in must be there: a disk that is not mounted is no empty night.
"""

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Final

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import inputs
from pipelines.score.inputs import Listing
from pipelines.score.photos import Photos
from pipelines.score.unread import Aside, Unread

_DATE: Final = re.compile(r"\{date(?::([^{}]*))?\}")


def has_date(text: str) -> bool:
    """Whether an input has a date to be filled in."""
    return _DATE.search(text) is not None


def check(text: str) -> None:
    """Checks how an input spells its date.

    Raises:
        ValueError: The form of the date says nothing about a day.
    """
    for form in _DATE.findall(text):
        a_day, another = datetime.date(2001, 2, 3), datetime.date(2012, 11, 24)
        if form and a_day.strftime(form) == another.strftime(form):
            raise ValueError(f"expected a date such as {{date:%Y/%m/%d}}, got {form}")


def fill(text: str, day: datetime.date) -> str:
    """Returns an input of one day."""

    def spelt(found: re.Match[str]) -> str:
        return day.strftime(found[1]) if found[1] else day.isoformat()

    return _DATE.sub(spelt, text)


def name_of(texts: Sequence[str]) -> str | None:
    """Returns what a plan calls these inputs; None: as it calls a plain one."""
    if len(texts) == 1 and not has_date(texts[0]):
        return None
    return ", ".join(t if files.is_pattern(t) else files.to_uri(t) for t in texts)


def list_days(
    texts: Sequence[str],
    days: Sequence[datetime.date],
    *,
    output: str,
    exclude: Sequence[str],
) -> Listing:
    """Lists some inputs as one, those with a date for each of some days.

    Args:
        texts: The inputs.
        days: Days.
        output: The job's output, never read as input.
        exclude: Patterns of names and paths that are left out.

    Raises:
        UsageError: An input is not there, or cannot be read.
    """
    found = list[Listing]()
    for text in texts:
        for uri in _uris(text, days):
            found.append(
                inputs.list_photos(
                    uri, output=output, exclude=exclude, may_be_empty=True
                )
            )
    if len(found) == 1 and not has_date(texts[0]):
        return found[0]
    photos = Photos.sorted(chain.from_iterable(each.photos.tables() for each in found))
    return Listing(photos, _root(texts, found), _together(found))


def _uris(text: str, days: Sequence[datetime.date]) -> list[str]:
    """Returns the inputs of days that are there."""
    if not has_date(text):
        return [text]
    around = _before_date(text)
    if not files.is_folder(files.to_uri(around)):
        raise UsageError(
            f"--input {text}: got no folder {around}, expected what the days lie in; "
            "check the path, or whether its disk is mounted"
        )
    uris = dict.fromkeys(fill(text, day) for day in days)  # a month may be many days'
    return [u for u in uris if files.is_pattern(u) or files.exists(files.to_uri(u))]


def _before_date(text: str) -> str:
    """Returns the folder that the inputs of all days lie in."""
    fixed = text[: _DATE.search(text).start()]  # type: ignore[union-attr]
    if files.is_pattern(fixed):
        return files.fixed_folder(fixed)
    return fixed.rpartition("/")[0] or ("/" if fixed.startswith("/") else ".")


def _root(texts: Sequence[str], found: Sequence[Listing]) -> str | None:
    """Returns the folder out of which no link may lead, if it is one."""
    if len(texts) > 1 or any(each.root is None for each in found):
        return None
    return files.as_spelt(files.to_uri(_before_date(texts[0])))


def _together(found: Sequence[Listing]) -> Aside:
    left_out, unread, ignored = Counter[str](), dict[str, Unread](), 0
    for listing in found:
        ignored += listing.aside.ignored
        left_out.update(listing.aside.left_out)
        unread |= {place.uri: place for place in listing.aside.unread}
    places = tuple(unread[uri] for uri in sorted(unread))
    return Aside(ignored, dict(sorted(left_out.items())), places)
