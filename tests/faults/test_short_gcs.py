"""Nights in gs:// under attack, a few trials of each kind: `make test`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import gcs_nights
from tests.faults.gcs_nights import Night, night


@pytest.fixture(scope="module")
def small(
    gcs_address: str, library: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Night]:
    scratch = tmp_path_factory.mktemp("gcs")
    with night(gcs_address, library, scratch, photos=19) as made:
        yield made


def test_of_two_launches_one_commits(small: Night) -> None:
    gcs_nights.race(small, 3)


def test_killed_at_random_it_ends_in_the_same_bytes(small: Night) -> None:
    gcs_nights.kill(small, 4)
