"""What a walk through folders leaves out, and what it could not look into."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from fcn_core.names import composed

NOT_PHOTOS: Final = frozenset(
    {
        "$RECYCLE.BIN",
        "#recycle",
        "#snapshot",
        "@eaDir",
        "@Recycle",
        "@Recently-Snapshot",
        "@tmp",
        "__MACOSX",
        "FOUND.000",
        "lost+found",
        "RECYCLER",
        "System Volume Information",
    }
)
"""Folders of thumbnails, waste and repairs that systems and NAS boxes make.

Hidden folders are not entered either; these only look like a person's own.
"""

_FAMILIAR: Final = {name.casefold(): name for name in NOT_PHOTOS}


@dataclass
class Survey:
    """How folders are looked through, and what the look came to.

    Attributes:
        folders: Real paths of folders that are not entered.
        exclude: Patterns of what is left out: of a name, or, with a slash, of a path
            below the root.
        wanted: Names of `NOT_PHOTOS` that are entered nevertheless.
        left_out: Name or pattern -> how many folders and files it left out.
        unreadable: URI of a folder that could not be listed -> why.
    """

    folders: frozenset[str] = frozenset()
    exclude: tuple[str, ...] = ()
    wanted: frozenset[str] = frozenset()
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, bool] = field(default_factory=lambda: {"": False})

    def leaves_out(self, below: str, *, is_folder: bool) -> bool:
        """Returns whether something is left out, and counts it.

        Args:
            below: Its path below the root, with slashes.
            is_folder: Whether it is one.
        """
        if not is_folder and not self.exclude:
            return False
        name = below.rpartition("/")[2]
        familiar = _FAMILIAR.get(name.casefold()) if is_folder else None
        if familiar is not None and familiar not in self.wanted:
            self.left_out[familiar] += 1
            return True
        for pattern in self.exclude:
            if _matches(below if "/" in pattern else name, pattern.strip("/")):
                self.left_out[pattern] += 1
                return True
        return False

    def leaves_out_path(self, below: str) -> bool:
        """Returns whether a file or a folder above it is left out; counts it once.

        For stores that list files only. Args and counts as `leaves_out`.
        """
        folder = below.rpartition("/")[0]
        is_left = self._seen.get(folder)
        if is_left is None:
            is_left = self._leaves_out_folder(folder)
        if is_left or not self.exclude:
            return is_left
        return self.leaves_out(below, is_folder=False)

    def _leaves_out_folder(self, below: str) -> bool:
        if not below:
            return False
        if below not in self._seen:
            above = self._leaves_out_folder(below.rpartition("/")[0])
            self._seen[below] = above or self.leaves_out(below, is_folder=True)
        return self._seen[below]


def entering(names: Iterable[str]) -> frozenset[str]:
    """Returns those of `NOT_PHOTOS` that a person has named."""
    return frozenset(
        _FAMILIAR[n.casefold()] for n in names if n.casefold() in _FAMILIAR
    )


def _matches(text: str, pattern: str) -> bool:
    """Returns whether a text matches, whatever the normal forms of both."""
    return fnmatchcase(composed(text), composed(pattern))
