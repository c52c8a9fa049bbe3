"""Pixels by value: as NumPy counts them, in memory that no photo's size changes."""

import tracemalloc

import numpy as np
import pytest

from fcn_core.images import count_values


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (7, 5), (1025, 2049)])
def test_counts_are_those_of_numpy(shape: tuple[int, int]) -> None:
    class_map = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    expected = np.bincount(class_map.ravel(), minlength=256)
    np.testing.assert_array_equal(count_values(class_map), expected)


def test_memory_does_not_grow_with_the_photo() -> None:
    class_map = np.full((4000, 8000), 15, np.uint8)
    tracemalloc.start()
    counts = count_values(class_map)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counts[15] == class_map.size
    assert peak < class_map.nbytes  # eight times as much as one `bincount`
