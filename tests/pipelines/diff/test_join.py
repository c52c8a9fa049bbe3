"""The join of two sorted streams, however they are cut."""

import random
from collections.abc import Iterator

import pyarrow as pa
import pytest

from pipelines.diff.join import join


def cut(numbers: list[int], side: str, draw: random.Random) -> Iterator[pa.Table]:
    while numbers:
        count = draw.randint(0, 4)
        some, numbers = numbers[:count], numbers[count:]
        uris = pa.array([f"{n:03}" for n in some], pa.string())
        yield pa.table({"image_uri": uris, "side": [side] * len(some)})


@pytest.mark.parametrize("seed", range(20))
def test_each_row_is_where_it_belongs(seed: int) -> None:
    draw = random.Random(seed)
    left = sorted(draw.sample(range(40), draw.randint(0, 30)))
    right = sorted(draw.sample(range(40), draw.randint(0, 30)))
    both, only_left, only_right = list[int](), list[int](), list[int]()
    for joined in join(cut(left, "a", draw), cut(right, "b", draw)):
        uris = [t["image_uri"].to_pylist() for t in (joined.before, joined.after)]
        assert uris[0] == uris[1]
        assert set(joined.before["side"].to_pylist()) <= {"a"}
        assert set(joined.after["side"].to_pylist()) <= {"b"}
        both += map(int, uris[0])
        only_left += map(int, joined.only_before["image_uri"].to_pylist())
        only_right += map(int, joined.only_after["image_uri"].to_pylist())
    assert both == sorted({*left} & {*right})
    assert only_left == sorted({*left} - {*right})
    assert only_right == sorted({*right} - {*left})
