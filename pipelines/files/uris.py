"""URIs and the stores that they name.

A URI is an absolute local path, or `gs://bucket/name` of an object in Google Cloud
Storage. A path whose bytes are not UTF-8 is written as `file://` with percent signs, so
that every URI is text and still finds its file. Other stores join in this room, and
nowhere else: a row in `stores.py`, and modules such as those of gs://.
"""

import os
import re
import urllib.parse
from pathlib import Path
from typing import Final

from pipelines.faults import UsageError

GCS: Final = "gs://"
"""What the URI of an object in Google Cloud Storage begins with."""

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


def to_uri(path: str | os.PathLike[str]) -> str:
    """Returns the URI of a path, absolute, or of a URI, without a slash at its end.

    Raises:
        UsageError: It is a URI of a store that is not supported, or names no bucket.
    """
    if isinstance(path, str) and path.startswith(GCS):
        return _gcs_uri(path)
    local = to_path(path) if isinstance(path, str) and "://" in path else path
    absolute = os.path.abspath(os.fspath(local))  # noqa: PTH100 - links stay links
    try:
        absolute.encode("utf-8")
    except UnicodeEncodeError:
        return "file://" + urllib.parse.quote(os.fsencode(absolute))
    return absolute


def _gcs_uri(text: str) -> str:
    uri = text.rstrip("/") if len(text) > len(GCS) else text
    bucket = uri.removeprefix(GCS).partition("/")[0]
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(
            f"{text}: got {bucket or 'no name'} for the bucket, expected "
            "gs://BUCKET/NAME with a name of 3 or more small letters, digits, dots, "
            "hyphens; check the address"
        )
    return uri


def to_path(uri: str) -> Path:
    """Returns the local path of a URI.

    Raises:
        UsageError: The URI names another store.
    """
    if uri.startswith("file://"):
        quoted = uri.removeprefix("file://")
        return Path(os.fsdecode(urllib.parse.unquote_to_bytes(quoted)))
    scheme, separator, _ = uri.partition("://")
    if separator and "/" not in scheme:
        cure = "copy the files to one of these, or mount the bucket"
        if uri.startswith(GCS):
            cure = "copy the files to this machine"
        expected = "a local path" if uri.startswith(GCS) else "a local path or gs://"
        raise UsageError(
            f"{uri}: got a {scheme}:// location, expected {expected}; {cure}"
        )
    return Path(uri)


def is_gcs(uri: str) -> bool:
    """Returns whether a URI names an object of Google Cloud Storage."""
    return uri.startswith(GCS)


def join(uri: str, *names: str) -> str:
    """Returns the URI of something below `uri`."""
    return "/".join([uri.rstrip("/"), *names])


def name_of(uri: str) -> str:
    """Returns the last part of a URI, or the URI where there is none."""
    path = str(to_path(uri)) if uri.startswith("file://") else uri
    return path.rpartition("/")[2] or uri


def resolve(folder: str, name: str) -> str:
    """Returns the URI of what a name means in a folder: itself, where it is absolute.

    Raises:
        UsageError: It is a URI of a store that is not supported.
    """
    if "://" in name:
        return to_uri(name)
    if is_gcs(folder):
        return to_uri(name) if name.startswith("/") else join(folder, name)
    return to_uri(to_path(folder) / name)


def real_path(uri: str) -> str:
    """Returns the path of a folder with all links resolved; another store's URI."""
    return uri if is_gcs(uri) else os.path.realpath(to_path(uri))
