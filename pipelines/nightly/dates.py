"""Days: which one a night is of, in a time zone; and the days between two."""

import datetime
import zoneinfo
from collections.abc import Iterator

from pipelines.faults import UsageError


def now() -> datetime.datetime:
    """Returns the time, UTC; the one clock of `fcn nightly`."""
    return datetime.datetime.now(datetime.UTC)


def resolve(text: str, timezone: str) -> datetime.date:
    """Returns the day of `today`, `yesterday` or YYYY-MM-DD in a time zone.

    Yesterday is the day before today's, however many hours either of them has.
    """
    if text in ("today", "yesterday"):
        today = now().astimezone(zoneinfo.ZoneInfo(timezone)).date()
        return today - datetime.timedelta(days=text == "yesterday")
    return parse(text, "--run_date")


def parse(text: str, flag: str) -> datetime.date:
    """Returns a day.

    Raises:
        UsageError: It is no YYYY-MM-DD.
    """
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        words = " or today or yesterday" if flag == "--run_date" else ""
        raise UsageError(f"{flag}: got {text}, expected YYYY-MM-DD{words}; check it")
    return day


def between(first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    """Yields the days from one to another, both included."""
    for number in range((last - first).days + 1):
        yield first + datetime.timedelta(days=number)


def back(
    day: datetime.date, days: int, *, first: datetime.date | None = None
) -> list[datetime.date]:
    """Returns so many days before a day, and the day itself.

    Args:
        day: The last one.
        days: How many before it.
        first: None earlier than this.
    """
    begin = day - datetime.timedelta(days=days)
    return list(between(max(begin, first or begin), day))
