"""Tables of planned items: what each row says, their files, and sets of them."""

import hashlib
import io
import re
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import files
from pipelines.faults import SystemicFault

ITEMS_SCHEMA: Final = pa.schema(
    [
        pa.field("image_key", pa.string(), nullable=False),
        pa.field("image_uri", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("offset", pa.int64()),
    ]
)
"""A planned item; `offset` as in `inputs.LISTING_SCHEMA`."""

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
    rest = [items[name] for name in ITEMS_SCHEMA.names[1:]]
    return pa.table([keys, *rest], schema=ITEMS_SCHEMA)


def encode(items: pa.Table, *, chunk_size: int) -> bytes:
    """Returns a piece of a plan as a Parquet file, a row group a chunk."""
    buffer = io.BytesIO()
    pq.write_table(items, buffer, row_group_size=chunk_size, compression="zstd")
    return buffer.getvalue()


def open_piece(uri: str, sha256: str) -> pq.ParquetFile:
    """Opens a piece of a plan.

    Raises:
        SystemicFault: it is not the one with this hash.
    """
    return pq.ParquetFile(pa.BufferReader(_read_piece(uri, sha256)))


@lru_cache(maxsize=4)  # the chunks of a run are in one piece, or two
def _read_piece(uri: str, sha256: str) -> bytes:
    try:
        data = files.read_bytes(uri)
    except FileNotFoundError as error:
        raise SystemicFault(
            f"{uri}: got nothing there, expected items of the plan; restore the file "
            "from a copy"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SystemicFault(
            f"{uri}: the plan's items are not those that were frozen (their hash "
            "differs); restore the file from a copy"
        )
    return data


def items_sha256(items: pa.Table) -> str:
    """Returns the hash of which items, in which version, a chunk has."""
    digest = hashlib.sha256()
    for key, version in zip(
        items["image_key"].to_pylist(), items["version"].to_pylist(), strict=True
    ):
        digest.update(f"{key}\0{version}\n".encode())
    return digest.hexdigest()


def without(photos: pa.Table, others: pa.Table) -> pa.Table:
    """Returns the photos whose (image_uri, version) is not among `others`, sorted."""
    if others.num_rows == 0:
        return photos
    left = photos.join(others.select(IDENTITY), keys=IDENTITY, join_type="left anti")
    return _sorted(left)


def among(photos: pa.Table, others: pa.Table) -> pa.Table:
    """Returns the photos whose (image_uri, version) is among `others`, sorted."""
    if others.num_rows == 0:
        return photos.slice(0, 0)
    left = photos.join(others.select(IDENTITY), keys=IDENTITY, join_type="left semi")
    return _sorted(left)


def _sorted(table: pa.Table) -> pa.Table:
    order = pc.sort_indices(table, sort_keys=[("image_uri", "ascending")])
    return table.take(order)
