"""URIs and the paths they stand for.

A URI is an absolute local path. A path whose bytes are not UTF-8 is written as
`file://` with percent signs, so that every URI is text and still finds its file.
Other stores join in this room, one branch a function, and nowhere else.
"""

import os
import urllib.parse
from pathlib import Path

from pipelines.faults import UsageError


def to_uri(path: str | os.PathLike[str]) -> str:
    """Returns the URI of a local path: the absolute path itself where it is text.

    Raises:
        UsageError: It is a URI already, of a store that this version does not reach.
    """
    local = to_path(path) if isinstance(path, str) and "://" in path else path
    absolute = os.path.abspath(os.fspath(local))  # noqa: PTH100 - links stay links
    try:
        absolute.encode("utf-8")
    except UnicodeEncodeError:
        return "file://" + urllib.parse.quote(os.fsencode(absolute))
    return absolute


def to_path(uri: str) -> Path:
    """Returns the local path of a URI.

    Raises:
        UsageError: The URI names a store that this version does not reach.
    """
    if uri.startswith("file://"):
        quoted = uri.removeprefix("file://")
        return Path(os.fsdecode(urllib.parse.unquote_to_bytes(quoted)))
    scheme, separator, _ = uri.partition("://")
    if separator and "/" not in scheme:
        raise UsageError(
            f"{uri}: got a {scheme}:// location, expected a local path; "
            "copy the files to this machine or mount the bucket"
        )
    return Path(uri)


def join(uri: str, *names: str) -> str:
    """Returns the URI of something below `uri`."""
    return "/".join([uri.rstrip("/"), *names])


def real_path(uri: str) -> str:
    """Returns the path of a folder with all links resolved."""
    return os.path.realpath(to_path(uri))
