import hashlib
from collections.abc import Iterable

import numpy as np
import pytest

from fcn_core.metrics.copies import find_copies, hash_at, prefixes


def sha256(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_a_prefix_is_the_number_that_the_hex_digits_are() -> None:
    hashes = [sha256(number) for number in range(5)]
    found = prefixes("".join(hashes))
    assert found.dtype == np.uint64
    assert found.tolist() == [int(digits[:16], 16) for digits in hashes]
    assert prefixes("").tolist() == []


@pytest.mark.parametrize("wrong", ["ab" * 31, "xy" * 32])
def test_what_is_no_hash_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"reshape|hexadecimal"):
        prefixes(wrong)


def test_copies_are_found_across_chunks_and_within_one() -> None:
    chunks = [[1, 2, 3], [], [4, 2, 4], [5]]
    looked = []

    def look(chunk: int, indices: list[int]) -> Iterable[tuple[str, tuple[int, int]]]:
        looked.append((chunk, indices))
        hashes = "".join(map(sha256, chunks[chunk]))
        return [(hash_at(hashes, index), (chunk, index)) for index in indices]

    by_chunk = [prefixes("".join(map(sha256, numbers))) for numbers in chunks]
    assert find_copies(by_chunk, look) == {
        sha256(2): [(0, 1), (2, 1)],
        sha256(4): [(2, 0), (2, 2)],
    }
    assert looked == [(0, [1]), (2, [0, 1, 2])]


def test_without_equal_prefixes_no_hash_is_read() -> None:
    def look(chunk: int, indices: list[int]) -> Iterable[tuple[str, int]]:
        raise AssertionError(f"looked at {indices} of {chunk}")

    assert find_copies([prefixes(sha256(1)), prefixes(sha256(2))], look) == {}


def test_photos_that_share_a_prefix_only_are_no_copies() -> None:
    pair = ["ab" * 8 + "00" * 24, "ab" * 8 + "11" * 24]
    found = find_copies(
        [prefixes(digits) for digits in pair], lambda chunk, _: [(pair[chunk], chunk)]
    )
    assert found == {}
