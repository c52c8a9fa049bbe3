"""Files whose names look like one that is not there, see `fcn_core.names`."""

import functools
import os
import unicodedata
from pathlib import Path

from fcn_core.names import composed
from pipelines.files import uris
from pipelines.files.pinned import UNKNOWN, Pinned
from pipelines.files.stores import reader


def pin_as_spelt(uri: str) -> Pinned:
    """Returns a file as `pin` does; where there is none, one of an equal name."""
    pinned = reader(uri).pin(uri)
    if pinned.version != UNKNOWN or uri.isascii() or uri.startswith("file://"):
        return pinned
    found = _gcs_names(uri) if uris.is_gcs(uri) else [_local_name(uri)]
    for name in found:
        other = reader(name).pin(name)
        if other.version != UNKNOWN:
            return other
    return pinned


def as_spelt(uri: str) -> str:
    """Returns a file or folder; where there is none, one of an equal name."""
    if uri.isascii() or uri.startswith("file://") or reader(uri).exists(uri):
        return uri
    found = _gcs_names(uri) if uris.is_gcs(uri) else [_local_name(uri)]
    return next((name for name in found if reader(name).exists(name)), uri)


def _gcs_names(uri: str) -> list[str]:
    forms = [unicodedata.normalize("NFC", uri), unicodedata.normalize("NFD", uri)]
    return [form for form in forms if form != uri]


def _local_name(uri: str) -> str:
    """Returns the path whose parts have the names that the folders know them by."""
    folder, *names = Path(uri).parts
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118 - as fast as it can be
        if not name.isascii() and not os.path.lexists(path):
            name = _names(folder).get(composed(name), name)
        folder = os.path.join(folder, name)  # noqa: PTH118
    return folder


def _names(folder: str) -> dict[str, str]:
    try:
        return _names_at(folder, os.stat(folder).st_mtime_ns)  # noqa: PTH116
    except OSError:
        return {}


@functools.lru_cache(maxsize=64)
def _names_at(folder: str, _time: int) -> dict[str, str]:
    """Returns the names in a folder that are not plain, by their composed form."""
    names = os.listdir(folder)  # noqa: PTH208 - names, not paths
    return {composed(name): name for name in names if not name.isascii()}
