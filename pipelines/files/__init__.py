"""Bytes behind a URI, whatever the store: the only room that knows stores."""

from pipelines.files.reading import (
    exists,
    is_file,
    list_names,
    read_bytes,
    read_photo,
    sha256,
    version,
    walk,
)
from pipelines.files.uris import join, real_path, to_path, to_uri
from pipelines.files.writing import (
    check_writable,
    create_once,
    move,
    remove,
    remove_folder,
    remove_temporaries,
    write_atomically,
)

__all__ = [
    "check_writable",
    "create_once",
    "exists",
    "is_file",
    "join",
    "list_names",
    "move",
    "read_bytes",
    "read_photo",
    "real_path",
    "remove",
    "remove_folder",
    "remove_temporaries",
    "sha256",
    "to_path",
    "to_uri",
    "version",
    "walk",
    "write_atomically",
]
