"""Tables of planned items: their columns and their names."""

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
"""`offset` is where a TFRecord's record begins, null for a file of its own;
`generation` is the store's number of the file's content, null where it has none."""

ITEMS_SCHEMA: Final = pa.schema(
    [pa.field("image_key", pa.string(), nullable=False), *LISTING_SCHEMA]
)
"""A planned item."""


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
