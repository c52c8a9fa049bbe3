"""Keys of photos: safe, readable, and each its own; hashes of items."""

import re

import pytest

from pipelines.score.items import image_key, items_sha256, with_keys
from tests.drawn.night_plans import photos


@pytest.mark.parametrize(
    ("uri", "readable"),
    [
        ("/photos/IMG_0042.JPG", "IMG_0042"),
        ("/photos/käse & wein.tar.png", "k_se___wein_tar"),
        ("/p/" + "x" * 99 + ".jpg", "x" * 40),
        ("/p/.jpg", "_jpg"),
        ("/p/no extension", "no_extension"),
        ("/p/shard.tfrecord#12", "shard"),
        ("file:///p/caf%E9.jpg", "caf_E9"),
        ("/p/..", "_"),
        ("/p/new\nline\0.jpg", "new_line_"),
    ],
)
def test_a_key_is_a_safe_name(uri: str, readable: str) -> None:
    key = image_key(uri)
    assert re.fullmatch(r"[A-Za-z0-9_]{0,40}-[0-9a-f]{20}", key)
    assert key.rpartition("-")[0] == readable


def test_photos_of_one_name_have_their_own_keys() -> None:
    uris = ["/a/x.jpg", "/b/x.jpg", "/a/x.png", "/a/X.jpg", "/a/x.jpg "]
    keys = {image_key(uri).lower() for uri in uris}
    assert len(keys) == len(uris)  # also where the disk knows no capitals


def test_the_hash_of_items_is_of_keys_and_versions() -> None:
    one = with_keys(photos(1, 2))
    assert items_sha256(one) != items_sha256(one.slice(0, 1))
    other = one.set_column(2, "version", [["1-1", "changed"]])
    assert items_sha256(one) != items_sha256(other)
    assert items_sha256(one) == items_sha256(with_keys(photos(1, 2)))
