"""Tables of planned items: their columns, their names, and sets of them."""

import hashlib
import re
from typing import Final

import pyarrow as pa

LISTING_SCHEMA: Final = pa.schema(
    [
        pa.field("image_uri", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("offset", pa.int64()),
        pa.field("generation", pa.int64()),
    ]
)
"""Photos of an input.

`offset` is where a TFRecord's record begins, null for a file of its own; `generation`
is the store's number of the content, null where it has none (see `files.Pinned`).
"""

ITEMS_SCHEMA: Final = pa.schema(
    [pa.field("image_key", pa.string(), nullable=False), *LISTING_SCHEMA]
)
"""A planned item."""

IDENTITY: Final = ["image_uri", "version"]
"""Columns by which an item is known."""


def image_key(uri: str) -> str:
    """Returns the name of an image's results: readable, unique and a safe file name."""
    name = uri.rpartition("/")[2]
    readable = re.sub(r"[^A-Za-z0-9_]", "_", name.rpartition(".")[0] or name)[:40]
    return f"{readable}-{hashlib.sha256(uri.encode()).hexdigest()[:20]}"


def with_keys(items: pa.Table) -> pa.Table:
    """Returns items as a table of ITEMS_SCHEMA."""
    keys = pa.array([image_key(uri) for uri in items["image_uri"].to_pylist()])
    columns = [items[name] for name in LISTING_SCHEMA.names]
    return pa.table([keys, *columns], schema=ITEMS_SCHEMA)


def items_sha256(items: pa.Table) -> str:
    """Returns the hash of which items, in which version, a chunk has."""
    digest = hashlib.sha256()
    for key, version in zip(
        items["image_key"].to_pylist(), items["version"].to_pylist(), strict=True
    ):
        digest.update(f"{key}\0{version}\n".encode())
    return digest.hexdigest()


def leave_out(photos: pa.Table, others: pa.Table) -> pa.Table:
    """Returns the photos whose (image_uri, version) is not in `others`, sorted."""
    if others.num_rows == 0:
        return photos
    left = photos.join(others.select(IDENTITY), keys=IDENTITY, join_type="left anti")
    return left.sort_by("image_uri")


def keep(photos: pa.Table, others: pa.Table) -> pa.Table:
    """Returns the photos whose (image_uri, version) is in `others`, sorted."""
    if others.num_rows == 0:
        return photos.slice(0, 0)
    kept = photos.join(others.select(IDENTITY), keys=IDENTITY, join_type="left semi")
    return kept.sort_by("image_uri")
