"""The lists that a conversion starts from, and what makes them unusable."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.datasets import MissingDatasetError, voc
from fcn_core.datasets.splits import IdList, shared_ids
from pipelines import files
from pipelines.faults import UsageError

_SPLIT_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
_MANY: Final = 3


def read_source(uri: str) -> bytes:
    """Returns a file of the data set; how it fails is the data set's business.

    Raises:
        FileNotFoundError: there is no such file.
        BadImage: it cannot be read, with the reason.
    """
    try:
        return files.read_photo(uri, version=files.version(uri))
    except BadImage as bad:
        if bad.reason == "vanished":
            raise FileNotFoundError(uri) from bad
        raise


def read_lists(root: str, names: Sequence[str]) -> dict[str, IdList]:
    """Returns the ids of the named splits, or of those that are there.

    Raises:
        UsageError: a list is not there, empty, unreadable, or no name of a list.
    """
    for name in names:
        if not _SPLIT_NAME.fullmatch(name):
            raise UsageError(
                f"--split: got {name!r}, expected names of lists such as train or val"
            )
    try:
        names = sorted(names or voc.splits_present(root, read_source))
        lists = {name: voc.split_ids(root, name, read_source) for name in names}
    except MissingDatasetError as error:
        raise UsageError(f"--input: {error}") from error
    except BadImage as bad:
        raise UsageError(
            f"--input {root}: a list of ids cannot be read ({bad.reason}); check its "
            "rights"
        ) from bad
    for name, ids in lists.items():
        if not ids.read:
            raise UsageError(
                f"--input: {root}/{voc.list_path(name)} is empty, expected one id a "
                "line; leave the split out with --split"
            )
    return lists


def check_leaks(lists: Mapping[str, IdList], *, allowed: bool) -> None:
    """Refuses splits that share photos: scores on one would flatter the other.

    Raises:
        UsageError: names two splits and some of the ids.
    """
    if allowed:
        return
    for (one, other), ids in shared_ids(lists).items():
        some = ", ".join(ids[:_MANY]) + (", ..." if len(ids) > _MANY else "")
        raise UsageError(
            f"--split: {one} and {other} share {len(ids)} ids ({some}), expected none; "
            "name other splits, or pass --allow_leak if that is meant"
        )
