"""Keys: 16 bytes that stand for a photo in one version, wherever sets are compared.

A key is the beginning of the sha256 of URI, NUL, version. A version has no NUL, so no
two photos have one text. 128 bits are exact enough to need no look at the text itself:
among 10^9 photos the chance that any two share a key is 10^-21, far below that of a
wrong bit in memory that no one notices. Who makes two names with one key on purpose
(2^64 hashes) loses the second of their own two photos.
"""

import hashlib
import itertools
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BYTES: Final = 16
"""Of a key."""

DTYPE: Final = np.dtype(f"S{BYTES}")
"""Of an array of keys. NumPy hides NULs at the end, which fixed lengths do not need."""

Keys: TypeAlias = NDArray[np.bytes_]


def keys_of(items: pa.Table) -> Keys:
    """Returns the keys of a table with `image_uri` and `version`, in its order."""
    return _hashed(items["image_uri"], items["version"])


def uri_keys(uris: pa.ChunkedArray) -> Keys:
    """Returns keys of URIs alone, whatever their version."""
    return _hashed(uris, pa.scalar(""))


def _hashed(uris: pa.ChunkedArray, versions: pa.ChunkedArray | pa.Scalar) -> Keys:
    joined = pc.binary_join_element_wise(uris, versions, "\0")
    digests = []
    for chunk in joined.chunks if isinstance(joined, pa.ChunkedArray) else [joined]:
        _, offsets, texts = chunk.buffers()
        data = texts.to_pybytes() if texts is not None else b""
        ends = np.frombuffer(offsets, np.int32)[chunk.offset :][: len(chunk) + 1]
        places = ends.tolist()
        digests += [
            hashlib.sha256(data[start:end]).digest()[:BYTES]
            for start, end in itertools.pairwise(places)
        ]
    return np.frombuffer(b"".join(digests), DTYPE)


def contains(known: Keys, keys: Keys) -> NDArray[np.bool_]:
    """Returns for each key whether it is among the known ones, which are sorted."""
    if known.size == 0:
        return np.zeros(keys.size, np.bool_)
    order = np.argsort(keys)  # neighbours are found with what the cache holds
    ascending = keys[order]
    places = np.searchsorted(known, ascending)
    found = np.empty(keys.size, np.bool_)
    found[order] = known[np.minimum(places, known.size - 1)] == ascending
    return found


def counts(known: Keys, keys: Keys) -> NDArray[np.int64]:
    """Returns how often each key is among the known ones, which are sorted."""
    return np.searchsorted(known, keys, "right") - np.searchsorted(known, keys)
