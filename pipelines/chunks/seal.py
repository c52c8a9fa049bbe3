"""A hash of a whole Parquet file in the file itself.

Parquet's page checksums leave out headers and footer, where a flipped bit can change a
value without a trace. Here an entry of the footer's metadata has the sha256 of all
bytes of the file, its own digits taken as zeros. Any reader of Parquet reads the file;
Arrow's copy of the schema, which the file holds as well, keeps the zeros.
"""

import hashlib
from typing import Final

KEY: Final = b"fcn.sha256"
"""The name of the entry."""

_MARK: Final = b"of the file, with zeros in place of these digits: "
_ZEROS: Final = b"0" * 64

BLANK: Final = _MARK + _ZEROS
"""The entry's value in a file that is yet to be sealed."""


def seal(data: bytes) -> bytes:
    """Returns a file, encoded with a `BLANK` entry, with its hash in that entry."""
    digits = _find(data)
    if data[digits : digits + len(_ZEROS)] != _ZEROS:
        raise ValueError("got a file without a blank seal, expected one to fill in")
    return _with(data, digits, hashlib.sha256(data).hexdigest().encode())


def is_whole(data: bytes) -> bool:
    """Returns whether a file is, bit for bit, what `seal` returned."""
    digits = _find(data)
    written = data[digits : digits + len(_ZEROS)]
    blank = _with(data, digits, _ZEROS)
    return hashlib.sha256(blank).hexdigest().encode() == written


def _find(data: bytes) -> int:
    # The last one: a name of a photo with these words comes before the metadata.
    return data.rfind(_MARK) + len(_MARK)


def _with(data: bytes, position: int, digits: bytes) -> bytes:
    return data[:position] + digits + data[position + len(digits) :]
