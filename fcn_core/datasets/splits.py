"""List files: one id a line, as data sets publish their splits.

Lists in the wild have Windows line ends, a byte order mark, blank lines, trailing
blanks and sometimes no final newline; none of these is a fault, nor is a second column
of -1, 0 or 1, as VOC's lists of a class have it. A line that is no id, or repeats one,
is a fault: it is reported, not dropped.
"""

import dataclasses
import itertools
import re
from collections.abc import Collection, Mapping

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.makers import Read

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 60
_COLUMN = re.compile(r"\s+(?:-1|0|1)$")


@dataclasses.dataclass(frozen=True, slots=True)
class IdList:
    """The ids of a split in list order, and the lines that cannot be used."""

    ids: tuple[str, ...]
    rejected: tuple[BadRecord, ...]

    @property
    def read(self) -> int:
        """How many lines of the list name something."""
        return len(self.ids) + len(self.rejected)


def parse_id_list(data: bytes, *, pattern: re.Pattern[str], path: str) -> IdList:
    """Returns the ids of a list file.

    Args:
        data: The file's bytes.
        pattern: What an id looks like, matched in full.
        path: The list file, relative to the data set's root, for the report.
    """
    ids: dict[str, None] = {}
    rejected = []
    lines = data.removeprefix(_BYTE_ORDER_MARK).splitlines()
    for number, line in enumerate(lines, start=1):
        text = _id(line)
        if not text:
            continue
        if not pattern.fullmatch(text):
            detail = f"line {number} is {text[:_SHOWN]!a}, expected one id"
            rejected.append(BadRecord("bad-list-line", detail, stage="list", path=path))
        elif text in ids:
            detail = f"line {number} lists it again"
            rejected.append(
                BadRecord(
                    "duplicate-id", detail, stage="list", source_id=text, path=path
                )
            )
        else:
            ids[text] = None
    return IdList(tuple(ids), tuple(rejected))


def matching(data: bytes, pattern: re.Pattern[str]) -> bool:
    """Returns whether any line of a list file is an id of a pattern."""
    lines = data.removeprefix(_BYTE_ORDER_MARK).splitlines()
    return any(pattern.fullmatch(_id(line)) for line in lines)


def _id(line: bytes) -> str:
    """Returns what a line names."""
    text = line.decode("utf-8", "backslashreplace").strip()
    return _COLUMN.sub("", text)


def read_list(root: str, path: str, read: Read) -> bytes | None:
    """Returns the bytes of a list file; None where there is none."""
    try:
        return read(f"{root}/{path}")
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_ids(
    root: str, path: str, read: Read, *, pattern: re.Pattern[str]
) -> IdList | None:
    """Returns the ids of a list file, None where there is none; see `parse_id_list`."""
    data = read_list(root, path, read)
    return None if data is None else parse_id_list(data, pattern=pattern, path=path)


def merge(first: IdList, second: IdList) -> IdList:
    """Returns the union of two lists; an id of both is listed once."""
    ids = dict.fromkeys((*first.ids, *second.ids))
    return IdList(tuple(ids), (*first.rejected, *second.rejected))


def shared_ids(
    members: Mapping[str, Collection[str]],
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Returns the ids that two splits have in common, by pair of split names."""
    found = {}
    for first, second in itertools.combinations(sorted(members), 2):
        common = sorted(set(members[first]) & set(members[second]))
        if common:
            found[first, second] = tuple(common)
    return found
