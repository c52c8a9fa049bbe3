"""Spilled batches and keys: the same comes back, and nothing is left behind."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.score import spill
from pipelines.score.keys import DTYPE, Keys
from pipelines.score.spill import Buckets, KeySpill, Spill


def drawn(count: int, seed: int = 0) -> Keys:
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (count, 16), np.uint8).view(DTYPE).ravel()


def test_batches_are_read_again_in_any_order() -> None:
    table = pa.table({"image_uri": [f"é{n}" for n in range(10)], "n": range(10)})
    spilled = Spill(table.schema)
    for batch in table.to_batches(max_chunksize=3):
        spilled.add(batch)
    assert len(spilled) == 4
    assert spilled.read([1]).equals(table.slice(3, 3))
    assert spilled.read([3, 0])["n"].to_pylist() == [9, 0, 1, 2]
    assert spilled.read([]).equals(table.slice(0, 0))


@pytest.mark.parametrize("bits", [0, 1, 7, 16])
def test_every_key_is_in_its_bucket_with_its_place(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "_WAITING_KEYS", 300)
    some = drawn(1000)
    spilled = KeySpill()
    for start, end in ((0, 400), (400, 900), (900, 1000)):
        spilled.add(some[start:end])
    buckets = Buckets.numbered(spilled, bits)
    assert len(buckets) == 1 << bits
    found = [buckets.read(number) for number in range(len(buckets))]
    for number, records in enumerate(found):
        firsts = [int.from_bytes(key.ljust(2, b"\0")[:2]) for key in records["key"]]
        assert {first >> (16 - bits) for first in firsts} <= {number}
    records = np.concatenate(found)
    assert np.array_equal(some[records["row"]], records["key"])
    assert sorted(records["row"]) == list(range(1000))


def test_keys_that_are_read_may_be_followed_by_others() -> None:
    buckets = Buckets.of([drawn(10, 1)], 0)
    assert buckets.read(0).size == 10
    buckets.add(drawn(5, 2))
    assert buckets.read(0).tolist() == [*drawn(10, 1).tolist(), *drawn(5, 2).tolist()]
    assert Buckets(3).read(5).size == 0


def test_so_many_bits_that_a_bucket_fits() -> None:
    assert [spill.bits_for(n, each=100) for n in (0, 1, 100, 101, 200, 201)] == [
        *(0, 0, 0, 1, 1, 2)
    ]
    assert spill.bits_for(10**18) == 16


def test_no_file_of_it_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path))
    spilled = KeySpill()
    spilled.add(drawn(100_000))
    assert list(tmp_path.iterdir()) == []
    assert sum(block.size for block in spilled.blocks()) == 100_000


def test_a_full_disk_names_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Path("/dev/full")
    if not limit.exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: limit.open("r+b", 0))
    monkeypatch.setattr(tempfile, "tempdir", "/scratch")
    with pytest.raises(OSError, match="No space left on device: '/scratch'"):
        KeySpill().add(drawn(10))
