"""The external sort: what a sort in memory gives, in bounded pieces."""

import random
from collections.abc import Iterator

import pyarrow as pa
import pytest

from pipelines.score import sorting
from pipelines.score.sorting import sort_unique

SCHEMA = pa.schema([("image_uri", pa.string()), ("n", pa.int64())])


@pytest.fixture
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_RUN_ROWS", 50)
    monkeypatch.setattr(sorting, "_BATCHES", 5)


def tables(uris: list[str], size: int) -> Iterator[pa.Table]:
    for first in range(0, len(uris), size):
        some = uris[first : first + size]
        numbers = range(first, first + len(some))
        yield pa.table([some, list(numbers)], schema=SCHEMA)


def expected(uris: list[str]) -> list[tuple[str, int]]:
    first = {uri: n for n, uri in reversed(list(enumerate(uris)))}
    return sorted(first.items())


def sorted_rows(uris: list[str], size: int = 7) -> list[tuple[str, int]]:
    found = list(sort_unique(tables(uris, size), SCHEMA))
    assert all(table.num_rows <= 200 for table in found)
    rows = pa.concat_tables([SCHEMA.empty_table(), *found]).to_pylist()
    return [(row["image_uri"], row["n"]) for row in rows]


def drawn(kind: str) -> list[str]:
    rng = random.Random(kind)
    letters = ["a", "B", "é", "\u2028", "\U0001f600", "\uffff", "\0", "\n", "/", "//"]
    uris = ["".join(rng.choices(letters, k=rng.randrange(5))) for _ in range(2000)]
    uris += [f"/photos/{n:05}.jpg" for n in range(1000)]
    if kind == "sorted":
        return sorted(uris)
    if kind == "reversed":
        return sorted(uris, reverse=True)
    if kind == "one":
        return ["/same.jpg"] * 3000
    rng.shuffle(uris)
    return uris


@pytest.mark.usefixtures("small_runs")
@pytest.mark.parametrize("kind", ["shuffled", "sorted", "reversed", "one"])
def test_rows_are_sorted_and_the_first_of_each_stays(kind: str) -> None:
    uris = drawn(kind)
    assert sorted_rows(uris) == expected(uris)


@pytest.mark.parametrize("count", [0, 1, 2, 49, 50, 51, 250])
@pytest.mark.usefixtures("small_runs")
def test_any_number_of_rows(count: int) -> None:
    uris = drawn("shuffled")[:count]
    assert sorted_rows(uris) == expected(uris)
    assert sorted_rows(uris, size=1) == expected(uris)


def test_what_fits_into_memory_is_sorted_there() -> None:
    uris = drawn("shuffled")
    (found,) = sort_unique(tables(uris, 100), SCHEMA)
    assert found["image_uri"].to_pylist() == sorted(set(uris))
    assert list(sort_unique(iter(()), SCHEMA)) == []
