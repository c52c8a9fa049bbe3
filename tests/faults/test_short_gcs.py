"""Nights in gs:// under attack, a few trials of each kind: `make test`."""

from tests.faults import gcs_nights
from tests.faults.gcs_nights import Night


def test_of_two_launches_one_commits(small: Night) -> None:
    gcs_nights.race(small, 3)


def test_killed_at_random_it_ends_in_the_same_bytes(small: Night) -> None:
    gcs_nights.kill(small, 4)
