import hashlib

import numpy as np
import pytest

from fcn_core.metrics.copies import find_copies, prefixes


def sha256(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_a_prefix_is_the_number_that_the_hex_digits_are() -> None:
    hashes = [sha256(number) for number in range(5)]
    found = prefixes(hashes)
    assert found.dtype == np.uint64
    assert found.tolist() == [int(digits[:16], 16) for digits in hashes]
    assert prefixes([]).tolist() == []


def test_what_is_no_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        prefixes(["xy" * 32])


def test_copies_are_found_across_chunks_and_within_one() -> None:
    chunks = [[1, 2, 3], [], [4, 2, 4], [5]]
    looked = []

    def read(chunk: int) -> list[tuple[str, tuple[int, int]]]:
        looked.append(chunk)
        return [(sha256(n), (chunk, i)) for i, n in enumerate(chunks[chunk])]

    by_chunk = [prefixes(list(map(sha256, numbers))) for numbers in chunks]
    assert find_copies(by_chunk, read) == {
        sha256(2): [(0, 1), (2, 1)],
        sha256(4): [(2, 0), (2, 2)],
    }
    assert looked == [0, 2]


def test_nobody_looks_closer_where_no_prefix_is_there_twice() -> None:
    def read(chunk: int) -> list[tuple[str, int]]:
        raise AssertionError(f"looked at {chunk}")

    assert find_copies([prefixes([sha256(1)]), prefixes([sha256(2)])], read) == {}


def test_photos_that_share_a_prefix_only_are_no_copies() -> None:
    pair = ["ab" * 8 + "00" * 24, "ab" * 8 + "11" * 24]
    found = find_copies(
        [prefixes([digits]) for digits in pair], lambda chunk: [(pair[chunk], chunk)]
    )
    assert found == {}
