"""Photos that are there twice are found by all of their hash, and cheaply."""

import hashlib

from fcn_core.metrics.copies import find_copies, prefixes


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_copies_are_found_across_chunks_and_within() -> None:
    chunks = [list("abc"), list("dea"), list("fgg"), list("hij")]
    hashes = [prefixes([sha256(name) for name in chunk]) for chunk in chunks]
    asked = []

    def read(chunk: int) -> list[tuple[str, tuple[int, int]]]:
        asked.append(chunk)
        names = enumerate(chunks[chunk])
        return [(sha256(name), (chunk, index)) for index, name in names]

    assert find_copies(hashes, read) == {
        sha256("a"): [(0, 0), (1, 2)],
        sha256("g"): [(2, 1), (2, 2)],
    }
    assert asked == [0, 1, 2]  # no photo of the last chunk is a suspect


def test_photos_that_begin_alike_are_no_copies() -> None:
    photos = [16 * "a" + 48 * end for end in "bc"]
    assert len(set(prefixes(photos).tolist())) == 1
    assert find_copies([prefixes(photos)], lambda _: [(p, p) for p in photos]) == {}
