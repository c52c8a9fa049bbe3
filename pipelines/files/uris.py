"""URIs and the paths they stand for."""

import os
import urllib.parse
from pathlib import Path

from pipelines.faults import UsageError


def to_uri(path: str | os.PathLike[str]) -> str:
    """Returns the URI of a local path: the absolute path itself where it is text.

    Raises:
        UsageError: it is a URI already, of a store that this version does not reach.
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
        UsageError: the URI names a store that this version does not reach.
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
    """Returns where a folder really is: the same for all its names."""
    return os.path.realpath(to_path(uri))
