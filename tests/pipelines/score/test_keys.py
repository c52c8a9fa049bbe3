"""Keys: sixteen bytes a photo and version, compared as sets."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from pipelines.score import keys


def rows(*pairs: tuple[str, str]) -> pa.Table:
    uris, versions = zip(*pairs, strict=True)
    return pa.table({"image_uri": list(uris), "version": list(versions)})


PAIRS = [("/a.jpg", "1-1"), ("/a.jpg", "1-2"), ("/é\u2028\x00.jpg", "7-7"), ("", "")]


def test_a_key_is_the_start_of_a_sha256_of_name_and_version() -> None:
    found = keys.keys_of(rows(*PAIRS))
    expected = [hashlib.sha256(f"{u}\0{v}".encode()).digest()[:16] for u, v in PAIRS]
    assert found.view("V16").tolist() == expected


def test_slices_and_chunks_of_a_table_have_the_same_keys() -> None:
    table = rows(*PAIRS)
    whole = keys.keys_of(table)
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert np.array_equal(keys.keys_of(chunked), whole)
    assert np.array_equal(keys.keys_of(table.slice(2)), whole[2:])
    assert keys.keys_of(table.slice(0, 0)).size == 0


def test_a_key_of_a_name_alone_has_no_version() -> None:
    table = rows(("/a.jpg", ""), ("/b.jpg", ""))
    assert np.array_equal(keys.uri_keys(table["image_uri"]), keys.keys_of(table))


@pytest.mark.parametrize("seed", range(3))
def test_sets_of_keys_are_those_of_python(seed: int) -> None:
    """Keys of few different bytes, many NULs at either end."""
    draw = np.random.default_rng(seed)
    drawn = draw.integers(0, 2, (2000, 16), np.uint8)
    drawn[:, 5:14] = 0
    some = drawn.view(keys.DTYPE).ravel()
    known, sought = np.sort(some[:300]), some[300:]
    texts = [bytes(key) for key in drawn[:300]]
    expected = [bytes(key) in texts for key in drawn[300:]]
    assert keys.contains(known, sought).tolist() == expected
    assert True in expected
    assert False in expected
    times = [texts.count(bytes(key)) for key in drawn[300:]]
    assert keys.counts(known, sought).tolist() == times
    assert not keys.contains(known[:0], sought).any()
