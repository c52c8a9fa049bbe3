"""The files of a night's masks, a chunk at a time: counted, or those without a row."""

import re
from collections.abc import Iterator
from typing import Final

from pipelines import files
from pipelines.chunks.parts import Part
from pipelines.chunks.read_ahead import read_ahead
from pipelines.faults import SystemicFault
from pipelines.housekeeping.removal import Removal
from pipelines.score import parts
from pipelines.score.plan import PlannedNight

_NAME: Final = re.compile(r"chunk-(\d{8,})(-[0-9a-f]{64}\.tar)?")
_COLUMNS: Final = ("mask_path",)


def count_masks(night: PlannedNight) -> tuple[int, int]:
    """Returns how many masks a committed night has, and the size of their files.

    Those of a part that is damaged are not counted.
    """
    number = size = 0
    for _, part in _parts(night, range(night.plan.chunks)):
        number += len(part.rows) - part.rows["mask_path"].null_count
        size += parts.size_of_masks(part)
    return number, size


def unnamed_masks(night: PlannedNight) -> Iterator[Removal]:
    """Yields the masks of a committed night that no row names.

    An attempt that came too late for its part wrote them. Where a part is damaged,
    nothing is known, and all stay.
    """
    folder = night.folder
    found: dict[int, list[str]] = {}
    for name in files.list_names(folder.masks):
        match = _NAME.fullmatch(name)
        if match and int(match[1]) < night.plan.chunks:
            found.setdefault(int(match[1]), []).append(name)
    for chunk, part in _parts(night, sorted(found)):
        paths = part.rows["mask_path"].drop_null().to_pylist()
        named = {files.join(night.out, path.partition("#")[0]) for path in paths}
        for uri in _files(folder.masks, found[chunk]):
            if uri not in named:
                size = files.size(uri) or 0
                yield Removal(folder.run_date, "unnamed mask", uri, 1, size)


def _files(folder: str, names: list[str]) -> Iterator[str]:
    """Yields the tars, and the files in the folders of chunks."""
    for name in names:
        uri = files.join(folder, name)
        if name.endswith(".tar"):
            yield uri
        else:
            yield from (files.join(uri, mask) for mask in files.list_names(uri))


def _parts(
    night: PlannedNight, chunks: range | list[int]
) -> Iterator[tuple[int, Part]]:
    """Yields the whole parts of some chunks, several read at once."""

    def read(chunk: int) -> tuple[int, Part | None]:
        planned = night.plan.items_of(chunk)
        try:
            return chunk, night.parts.find(chunk, planned=planned, columns=_COLUMNS)
        except SystemicFault:  # fcn check names it
            return chunk, None

    threads = files.parallel_reads(night.out)
    for chunk, part in read_ahead(chunks, read, threads=threads, depth=threads):
        if part is not None:
            yield chunk, part
