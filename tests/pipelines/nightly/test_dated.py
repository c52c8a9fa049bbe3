"""Inputs with a date: how it is spelt, which folders are looked at, what is missing."""

import datetime
from pathlib import Path

import pytest

from pipelines import files
from pipelines.faults import UsageError
from pipelines.nightly import dated, dates
from pipelines.score.inputs import Listing
from tests.runs.listings import touch

DAY = datetime.date(2026, 3, 1)
DAYS = dates.back(DAY, 3)


def _names(listing: Listing) -> list[str]:
    return [
        uri.rpartition("/")[2]
        for table in listing.photos.tables()
        for uri in table["image_uri"].to_pylist()
    ]


def _list(*texts: str | Path) -> Listing:
    return dated.list_days(
        [str(text) for text in texts], DAYS, output="/nowhere/out", exclude=()
    )


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("gs://b/{date}/", "gs://b/2026-03-01/"),
        ("a/{date:%Y/%m/%d}/*.jpg", "a/2026/03/01/*.jpg"),
        ("lists/{date:%Y%m%d}.csv", "lists/20260301.csv"),
        ("a{b}/c", "a{b}/c"),
    ],
)
def test_a_date_is_filled_in(text: str, filled: str) -> None:
    dated.check(text)
    assert dated.fill(text, DAY) == filled
    assert dated.has_date(text) == (text != filled)


def test_a_form_without_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="such as"):
        dated.check("a/{date:daily}")


def test_folders_of_the_last_days_are_one_listing(tmp_path: Path) -> None:
    for name in ("2026-02-26/a.jpg", "2026-02-28/b.jpg", "2026-03-01/c.jpg"):
        touch(tmp_path / "in", name)
    touch(tmp_path / "in", "2026-02-25/old.jpg", "2026-03-02/new.jpg")
    touch(tmp_path / "in", "2026-03-01/notes.txt")
    listing = _list(f"{tmp_path}/in/{{date}}/")
    assert _names(listing) == ["a.jpg", "b.jpg", "c.jpg"]
    assert listing.ignored == 1
    assert listing.root == files.to_uri(tmp_path / "in")


def test_a_month_is_looked_at_once_and_several_inputs_are_one(tmp_path: Path) -> None:
    touch(tmp_path / "in", "2026-02/a.jpg", "2026-03/b.jpg")
    touch(tmp_path / "more", "c.jpg")
    listing = _list(f"{tmp_path}/in/{{date:%Y-%m}}", tmp_path / "more")
    assert _names(listing) == ["a.jpg", "b.jpg", "c.jpg"]
    assert listing.root is None


def test_globs_and_empty_folders_may_have_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "in", "2026-03-01/a.jpg", "2026-03-01/b.png")
    assert _names(_list(f"{tmp_path}/in/{{date}}/*.jpg")) == ["a.jpg"]
    assert _names(_list(f"{tmp_path}/in/{{date}}/*.webp")) == []
    (tmp_path / "inbox").mkdir()
    assert _names(_list(tmp_path / "inbox")) == []


def test_what_is_not_there_at_all_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="whether its disk is mounted"):
        _list(f"{tmp_path}/mount/{{date}}/")
    with pytest.raises(UsageError, match="got nothing there"):
        _list(tmp_path / "inbox")


def test_a_plain_input_is_called_as_ever(tmp_path: Path) -> None:
    assert dated.name_of([str(tmp_path)]) is None
    named = dated.name_of([f"{tmp_path}/{{date}}", "gs://bucket/c"])
    assert named == f"{tmp_path}/{{date}}, gs://bucket/c"


def test_days_between_two() -> None:
    days = list(dates.between(datetime.date(2026, 2, 27), DAY))
    assert [day.day for day in days] == [27, 28, 1]
    assert dates.back(DAY, 9, first=days[1]) == days[1:]
    with pytest.raises(UsageError, match="--from: got 2026-2-1, expected YYYY-MM-DD"):
        dates.parse("2026-2-1", "--from")
