"""Reading files: listed, hashed, and photos as exactly the bytes that were planned."""

import errno
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from pipelines.files import uris
from pipelines.files.pinned import Pinned
from pipelines.files.spelling import pin_as_spelt
from pipelines.files.stores import reader
from pipelines.files.survey import NOT_PHOTOS, Survey

_PINNED_AT_ONCE: Final = 64

Value = TypeVar("Value")


def exists(uri: str) -> bool:
    """Returns whether a file or folder is there."""
    return reader(uri).exists(uri)


def is_file(uri: str) -> bool:
    """Returns whether a regular file is there, not a folder or a device."""
    return reader(uri).is_file(uri)


def is_folder(uri: str) -> bool:
    """Returns whether a folder is there; in an object store, anything below it."""
    return reader(uri).is_folder(uri)


def size(uri: str) -> int | None:
    """Returns the bytes of a file; None where there is none."""
    return reader(uri).size(uri)


def sizes(of: Iterable[str]) -> Iterator[int | None]:
    """Yields the bytes of files, in their order, several asked for at once."""
    return _mapped(size, of)


def read_bytes(uri: str) -> bytes:
    """Returns the whole content of one of our own files.

    Raises:
        FileNotFoundError: There is none.
    """
    return reader(uri).read_bytes(uri)


def sha256(uri: str) -> str:
    """Returns the sha256 of a file in hex, without holding the file in memory."""
    return reader(uri).sha256(uri)


def open_for_reading(
    uri: str, *, pinned: Pinned | None = None
) -> AbstractContextManager[BinaryIO]:
    """Opens a file, which can be searched through, as a context.

    Args:
        uri: The file.
        pinned: What it must be; None for whatever is there.

    Raises:
        FileNotFoundError: There is none.
        BadImage: It is not the pinned one any more.
    """
    return reader(uri).open_for_reading(uri, pinned=pinned)


def local_copy(uri: str) -> AbstractContextManager[Path]:
    """Returns a file as one on this machine, as a context: itself where it is local.

    For what only reads paths; a copy is gone after the block.
    """
    return reader(uri).local_copy(uri)


def version(uri: str) -> str:
    """Returns what tells a photo's content from another, see `Pinned`."""
    return reader(uri).pin(uri).version


def pins(of: Iterable[str]) -> Iterator[Pinned]:
    """Yields files with what tells their content, in their order, as they are asked."""
    return _mapped(lambda uri: reader(uri).pin(uri), of)


def pins_as_spelt(of: Iterable[str]) -> Iterator[Pinned]:
    """Yields files as `pins` does; where there is none, one whose name looks the same.

    For names that people wrote down elsewhere: see `spelling`.
    """
    return _mapped(pin_as_spelt, of)


def _mapped(ask: Callable[[str], Value], of: Iterable[str]) -> Iterator[Value]:
    """Yields what is asked of files, in order; remote ones are asked side by side."""
    waiting: deque[Future[Value]] = deque()
    pool: ThreadPoolExecutor | None = None
    try:
        for uri in of:
            if not uris.is_gcs(uri):
                while waiting:
                    yield waiting.popleft().result()
                yield ask(uri)
                continue
            pool = pool or ThreadPoolExecutor(_PINNED_AT_ONCE)
            waiting.append(pool.submit(ask, uri))
            if len(waiting) >= 2 * _PINNED_AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def read_photo(
    uri: str,
    *,
    version: str | None,
    root: str | None = None,
    generation: int | None = None,
) -> bytes:
    """Returns the bytes of a photo, exactly those that the plan names.

    Args:
        uri: The photo.
        version: Its `version(uri)` when the plan was made; None for any, as long as
            it does not change while it is read.
        root: The listed folder; a link that leads out of it is refused.
        generation: As in `Pinned`.

    Raises:
        BadImage: The photo cannot be read; its reason is a row's reason.
        SystemicFault: No photo could be read any more (too many open files).
    """
    photo = Pinned(uri, version or "", generation)
    return reader(uri).read_photo(photo, root=root)


def parallel_reads(uri: str) -> int:
    """Returns how many files to read at once, so that a store's latency is hidden."""
    return reader(uri).parallel_reads()


def list_names(uri: str) -> list[str]:
    """Returns the sorted names in a folder, hidden and temporary files left out."""
    return reader(uri).list_names(uri)


def walk(root: str, *, survey: Survey | None = None) -> Iterator[str]:
    """Yields the URI of everything below a folder that is not itself a folder.

    Hidden folders are not entered: thumbnail caches, version control.

    Args:
        root: The folder.
        survey: What is left out; it learns what was. None: nothing is.

    Raises:
        OSError: The folder itself cannot be listed; or, without a survey, one below.
    """
    looked = survey or Survey(wanted=NOT_PHOTOS)
    for uri, _ in reader(root).walk(root, survey=looked):
        yield uri
    if survey is None and looked.unreadable:
        uri, why = next(iter(looked.unreadable.items()))
        raise OSError(errno.EACCES, why, uri)


def match(pattern: str, *, survey: Survey | None = None) -> Iterator[str]:
    """Yields the files that match a pattern such as `photos/**/*.jpg`.

    Args:
        pattern: The pattern.
        survey: What is left out; it learns what was. None: what a system usually makes.
    """
    looked = survey or Survey()
    return (uri for uri, _ in reader(pattern).match(pattern, survey=looked))


def match_pinned(
    pattern: str, *, wanted: Callable[[str], bool], survey: Survey | None = None
) -> Iterator[Pinned | None]:
    """Yields what matches a pattern, as `walk_pinned` does.

    Args:
        pattern: As for `match`.
        wanted: Whether a file is, by its URI; None is yielded for one that is not.
        survey: As for `match`.
    """
    store = reader(pattern)
    for uri, pinned in store.match(pattern, survey=survey or Survey()):
        yield (pinned or store.pin(uri)) if wanted(uri) else None


def walk_pinned(
    root: str, *, wanted: Callable[[str], bool], survey: Survey | None = None
) -> Iterator[Pinned | None]:
    """Yields what is below a folder as `walk` does, with what tells its content.

    Args:
        root: The folder.
        wanted: Whether a file is, by its URI; None is yielded for one that is not.
        survey: What is left out; it learns what was. None: what a system usually makes.
    """
    store = reader(root)
    for uri, pinned in store.walk(root, survey=survey or Survey()):
        yield (pinned or store.pin(uri)) if wanted(uri) else None
