"""The photos and masks below a user's folders, and what else lies there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.images.extensions import PHOTO_EXTENSIONS, REFUSED_EXTENSIONS
from fcn_core.names import stem
from pipelines import files
from pipelines.faults import UsageError

_PHOTOS: Final = PHOTO_EXTENSIONS | REFUSED_EXTENSIONS

UNREADABLE: Final = "permission-denied"
"""The reason of a folder that could not be listed."""


@dataclass
class Found:
    """What a folder holds.

    Attributes:
        paths: Of photos, below the folder, sorted.
        rejected: Names that are no text, and folders that could not be listed.
        ignored: Files that are no photos by their names.
        left_out: Name or pattern -> folders and files left out for it.
    """

    paths: list[str] = field(default_factory=list)
    rejected: list[BadRecord] = field(default_factory=list)
    ignored: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def remarks(self) -> list[str]:
        """Sentences for the person who trains on it."""
        remarks = []
        if self.ignored:
            remarks.append(f"{self.ignored} files ignored (no photos by their names)")
        closed = [bad.path for bad in self.rejected if bad.reason == UNREADABLE]
        if closed:
            more = f" and {len(closed) - 1} more" if closed[1:] else ""
            remarks.append(f"folders that could not be listed: {closed[0]}{more}")
        if self.left_out:
            counts = [f"{name} {n}" for name, n in sorted(self.left_out.items())]
            remarks.append(f"left out by name: {', '.join(counts)}")
        return remarks

    def check_some(self, flag: str, expected: str) -> None:
        """Refuses a folder without photos.

        Raises:
            UsageError: There is none, and what there is instead.
        """
        if not self.paths and not self.rejected:
            others = f" but {self.ignored} other files" if self.ignored else ""
            raise UsageError(
                f"{flag}: got nothing{others} in that folder, expected {expected}; "
                "check the path"
            )


def list_files(root: str, *, leave_out: Iterable[str], exclude: Iterable[str]) -> Found:
    """Returns what a folder holds.

    Args:
        root: The folder.
        leave_out: Folders that are not entered.
        exclude: Patterns of what is left out.

    Raises:
        UsageError: The folder itself cannot be listed.
    """
    found = Found()
    others = {files.real_path(uri) for uri in leave_out} - {files.real_path(root)}
    survey = files.Survey(frozenset(others), tuple(exclude))
    try:
        for uri in files.walk(root, survey=survey):
            _add(found, uri, root)
    except OSError as error:
        raise UsageError(
            f"{root}: got {str(error.strerror).lower()} ({error.filename}), expected "
            "what can be read; change its rights"
        ) from error
    for uri, why in survey.unreadable.items():
        path = uri.removeprefix(f"{root}/")
        found.rejected.append(
            BadRecord(
                UNREADABLE,
                f"a folder that could not be listed: {why}",
                stage="list",
                source_id=path,
                path=path,
            )
        )
    found.left_out = survey.left_out
    found.paths.sort()
    found.rejected.sort(key=lambda bad: bad.path)
    return found


def _add(found: Found, uri: str, root: str) -> None:
    name = uri.rpartition("/")[2]
    if name.startswith("."):
        return
    if "." + name.rpartition(".")[2].lower() not in _PHOTOS:
        found.ignored += 1
    elif uri.startswith("file://"):
        path = uri.removeprefix("file://").removeprefix(f"{root}/")
        detail = "a name that is not UTF-8 text: rename the file"
        found.rejected.append(
            BadRecord("bad-name", detail, stage="list", source_id=stem(path), path=path)
        )
    else:
        found.paths.append(uri.removeprefix(f"{root}/"))
