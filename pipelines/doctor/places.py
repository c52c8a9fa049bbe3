"""The places of a job: can they be listed, read and written, and is there room?"""

from typing import Final

from pipelines import files
from pipelines.doctor.finding import Finding, Level

_GIB: Final = 1 << 30
_NO_ROOM: Final = _GIB // 4
_LITTLE_ROOM: Final = 5 * _GIB


def check_place(check: str, place: str, *, write: bool) -> Finding:
    """Checks what may be done at a place, without leaving anything there.

    Args:
        check: As findings have it.
        place: A path or a URI, or a pattern of photos.
        write: Whether results are to be written there, too.
    """
    uri = files.fixed_folder(place) if files.is_pattern(place) else files.to_uri(place)
    try:
        access = files.access(uri, write=write)
    except FileNotFoundError:
        cure = "check the path" if not write else "create it, or check its name"
        return Finding("wrong", check, f"{place}: nothing there", cure)
    if access.lacking:
        rights = " and ".join(access.lacking)
        return Finding("wrong", check, f"{place}: no right to {rights}", access.cure)
    if access.unknown:
        rights = " and ".join(access.unknown)
        detail = f"{place}: it could not be found out whether one may {rights}"
        return Finding("warning", check, detail, access.cure)
    rights = "list, read" if not write else "list, read, create once, remove"
    detail = f"{place}: {rights}"
    if access.free_bytes is None:
        return Finding("ok", check, detail)
    detail += f"; {access.free_bytes / _GIB:.1f} GiB free"
    if write and access.free_bytes < _LITTLE_ROOM:
        level: Level = "wrong" if access.free_bytes < _NO_ROOM else "warning"
        return Finding(level, check, detail, "make room, or choose another disk")
    return Finding("ok", check, detail)
