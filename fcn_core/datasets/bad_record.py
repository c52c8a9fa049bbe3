"""What lies on disk in each data set, as records. Pure: `read(path) -> bytes` comes in.

One module a data set; each knows its folders, its list files and its label format,
and checks every pair before a record is made of it. What cannot be used is a
`BadRecord` with a reason from `REASONS` or `fcn_core.images.REASONS`; it is data, not a
crash.
"""

from functools import partial
from typing import Any, Final

REASONS: Final[frozenset[str]] = frozenset(
    {
        # its line in a list or table
        "bad-list-line",
        "duplicate-id",
        "not-in-table",
        "bad-row",
        "bad-votes",
        "no-votes",
        "bad-score",
        "bad-tag",
        # its files
        "missing-image",
        "missing-label",
        "image-format",
        "image-channels",
        "image-depth",
        "image-turned",
        "duplicate-image",
        "label-format",
        "label-corrupt",
        "label-rgb",
        "label-palette",
        "label-colour",
        "label-size",
        "label-size-swapped",
        "label-too-large",
        "label-value",
        "label-categories",
        "all-void",
    }
)
"""Why an entry is refused; the photo's own reasons are in `images`."""

STAGES: Final[tuple[str, ...]] = ("list", "read", "decode", "label")
"""Where an entry is refused: its line, its files, its photo, its label."""

_MAX_DETAIL: Final = 200


class BadRecord(Exception):
    """One entry of a data set that cannot become a record.

    Attributes:
        reason: From the closed list.
        detail: What was found and what was expected; at most 200 printable ASCII
            characters, without the folder the data set lies in.
        stage: One of `STAGES`.
        source_id: The entry, "" where its line names none.
        path: The file at fault, relative to the data set's root.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        stage: str,
        source_id: str = "",
        path: str = "",
    ) -> None:
        printable = detail.encode("ascii", "backslashreplace").decode()
        self.reason = reason
        self.detail = printable[:_MAX_DETAIL]
        self.stage = stage
        self.source_id = source_id
        self.path = path
        super().__init__(f"{path or source_id}: {reason}: {self.detail}")

    def row(self) -> dict[str, str]:
        """Returns what a table of rejected entries says about it."""
        return {
            "id": self.source_id,
            "path": self.path,
            "stage": self.stage,
            "reason": self.reason,
            "detail": self.detail,
        }

    def __reduce__(self) -> Any:
        # Crosses process borders; the default would lose what is not in the message.
        return partial(
            BadRecord, source_id=self.source_id, path=self.path, stage=self.stage
        ), (self.reason, self.detail)


class MissingDatasetError(Exception):
    """The folder does not hold the data set, or not the asked-for list."""


class ListError(Exception):
    """A list of the data set contradicts itself: what, got, expected, cure."""
