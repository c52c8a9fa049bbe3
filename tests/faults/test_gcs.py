"""Nights in gs:// under attack, at length: `make test-faults`."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.doubles.fault_proxy import proxy
from tests.faults import gcs_nights
from tests.faults.gcs_nights import Night, night
from tests.faults.trials import SEED

pytestmark = pytest.mark.faults

STORM = {
    "before": 0.02,
    "after": 0.02,
    "lost": 0.02,
    "reset": 0.02,
    "truncated": 0.02,
    "flipped": 0.01,
}


def test_of_two_launches_one_commits(small: Night) -> None:
    gcs_nights.race(small, 40)


def test_killed_at_random_it_ends_in_the_same_bytes(small: Night) -> None:
    gcs_nights.kill(small, 40)


@pytest.mark.timeout(1800)
def test_ten_thousand_objects_through_a_storm(
    gcs_address: str, library: Path, tmp_path: Path
) -> None:
    """503 before and after the effect, lost answers, broken and wrong bodies."""
    count = 10_000
    with proxy(gcs_address, faults=STORM, seed=SEED) as faulty:
        faulty.faults = {}
        with night(
            faulty.address, library, tmp_path, photos=count, chunk_size=256
        ) as made:
            faulty.faults = dict(STORM)
            ended = made.run("storm", "--chunk_size", "256", seconds=1500)
            faulty.faults = {}
            assert ended.code == 0, ended.stderr
            tree = made.tree("storm")
    assert all(faulty.seen[kind] > 20 for kind in STORM), faulty.seen
    assert tree == made.undisturbed
    (table,) = (
        pq.read_table(pa.BufferReader(data))
        for name, data in tree.items()
        if name.startswith("scores/") and name.endswith(".parquet")
    )
    assert table.num_rows == len(set(table["image_uri"].to_pylist())) == count
    assert set(table["status"].to_pylist()) == {"ok"}
