"""Listing in ranges side by side: every object once, whatever the names are like."""

import random
import threading

import pytest

from pipelines.files import gcs_listing
from pipelines.files.gcs_listing import list_below, name_between
from tests.doubles.gcs import Bucket

KINDS = {
    "numbers": lambda n: f"{n:08}.jpg",
    "hashes": lambda n: f"{random.Random(n).getrandbits(64):016x}.jpg",
    "folders": lambda n: f"{n % 7}/{n // 7:04}.jpg",
    "one-folder-large": lambda n: f"{'abz'[n % 50 == 0]}/{n}.jpg",
    "not-ascii": lambda n: f"é{chr(0x4E00 + n)}.jpg",
    "same-start": lambda n: "x" * 200 + str(n),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_object_is_listed_once(bucket: Bucket, kind: str) -> None:
    names = {f"in/{KINDS[kind](number)}" for number in range(300)}
    for name in (*names, "in", "in0", "im/1.jpg"):
        bucket.put(name, b"1")
    found = [blob.name for blob in list_below(bucket.name, "in/", page=7)]
    assert len(found) == len(set(found))
    assert set(found) == names


def test_ranges_are_listed_side_by_side(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        bucket.put(f"in/{number:05}", b"1")
    threads: set[str] = set()
    list_page = gcs_listing._list_page

    def spied(*arguments: gcs_listing._Walk) -> gcs_listing.Page:
        threads.add(str(threading.get_ident()))
        return list_page(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(gcs_listing, "_list_page", spied)
    assert len(list(list_below(bucket.name, "in/", page=5))) == 300
    assert len(threads) > 4


def test_a_reader_who_stops_leaves_no_thread(bucket: Bucket) -> None:
    for number in range(100):
        bucket.put(f"in/{number:05}", b"1")
    listed = list_below(bucket.name, "in/", page=1)
    next(listed)
    listed.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name == "list":
            thread.join(5)
    assert not [t for t in threading.enumerate() if t.name == "list"]


@pytest.mark.parametrize(
    ("start", "end"),
    [("p/a", "p/z"), ("p/a", None), ("p/aa", "p/ab"), ("p/0", "p/1"), ("p/", "p/zz")],
)
def test_a_name_between_two_is_between_them(start: str, end: str | None) -> None:
    middle = name_between(start, end, prefix="p/")
    if middle is not None:
        assert start < middle
        assert end is None or middle < end


def test_no_name_is_guessed_beyond_ascii() -> None:
    assert name_between("p/é", None, prefix="p/") is None
