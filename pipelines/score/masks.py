"""Where masks lie: a PNG a photo in a folder a chunk, or one tar a chunk.

A tar (WebDataset layout: `<image_key>.png`) costs one write instead of hundreds, which
is what object stores charge for. It is named by its own hash, so two attempts at a
chunk cannot mix. A mask's path in a row is relative to the output.
"""

import errno
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Final, Protocol

from pipelines import files
from pipelines.score.layout import PlanFolder

_TARS_IN_MEMORY: Final = 4


class ChunkMasks(Protocol):
    """Takes the masks of one chunk, then finishes before the chunk's part is made."""

    def add(self, image_key: str, png: bytes) -> None:
        """Takes one mask."""

    def finish(self) -> Mapping[str, str]:
        """Makes all masks readable; returns image key -> path in the output.

        Raises:
            FileNotFoundError: Their folder is gone, or a mask is.
        """

    @property
    def total_bytes(self) -> int:
        """Size of the files that they lie in, see the function; known when finished."""


def open_chunk(
    folder: PlanFolder, chunk: int, *, layout: str, durable: bool = True
) -> ChunkMasks:
    """Returns where the masks of a chunk go.

    Args:
        folder: Of the night.
        chunk: Its number.
        layout: `png`, `tar`, or none come.
        durable: Whether they are on the disk when `finish` returns.
    """
    kind = _TarMasks if layout == "tar" else _PngMasks
    return kind(folder.out, _name(folder, chunk), durable=durable)


def _name(folder: PlanFolder, chunk: int) -> str:
    return f"{folder.masks.removeprefix(f'{folder.out}/')}/chunk-{chunk:08}"


def lay_out(
    folder: PlanFolder, chunk: int, *, layout: str, pngs: Mapping[str, bytes]
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Returns where the masks of a chunk lie, and as which files; writes nothing.

    Args:
        folder: Of the night.
        chunk: Its number.
        layout: `png` or `tar`.
        pngs: Image key -> mask.

    Returns:
        Image key -> `mask_path`, and path in the output -> content.
    """
    name = _name(folder, chunk)
    if layout == "tar" and pngs:
        data = _tar(pngs)
        path = _tar_path(name, data)
        return {key: f"{path}#{key}.png" for key in pngs}, {path: data}
    paths = {key: f"{name}/{key}.png" for key in pngs}
    return paths, {paths[key]: png for key, png in pngs.items()}


class _PngMasks:
    def __init__(self, out: str, folder: str, *, durable: bool):
        self._out, self._folder, self._durable = out, folder, durable
        self._sizes: dict[str, int] = {}
        self._files: files.ManyFiles | None = None

    def add(self, image_key: str, png: bytes) -> None:
        if self._files is None:
            folder = files.join(self._out, self._folder)
            files.make_last_folder(folder)
            self._files = files.ManyFiles(folder, durable=self._durable)
        self._files.write(files.join(self._out, self._path(image_key)), png)
        self._sizes[image_key] = len(png)

    def _path(self, image_key: str) -> str:
        return f"{self._folder}/{image_key}.png"

    def finish(self) -> Mapping[str, str]:
        paths = {image_key: self._path(image_key) for image_key in self._sizes}
        if self._files is not None:
            self._files.finish()
        if total_bytes(self._out, paths.values()) != self.total_bytes:
            raise FileNotFoundError(
                errno.ENOENT, "masks vanished", files.join(self._out, self._folder)
            )
        return paths

    @property
    def total_bytes(self) -> int:
        return sum(self._sizes.values())


class _TarMasks:
    def __init__(self, out: str, name: str, *, durable: bool):
        self._out, self._name, self._durable = out, name, durable
        self._pngs: dict[str, bytes] = {}
        self.total_bytes = 0

    def add(self, image_key: str, png: bytes) -> None:
        self._pngs[image_key] = png

    def finish(self) -> Mapping[str, str]:
        if not self._pngs:
            return {}
        data = _tar(self._pngs)
        path = _tar_path(self._name, data)
        uri, durable = files.join(self._out, path), self._durable
        is_new = files.create_once(uri, data, durable=durable, parents=False)
        if not is_new and files.size(uri) != len(data):  # damaged since
            files.write_atomically(uri, data, durable=durable, parents=False)
        self.total_bytes = len(data)
        return {image_key: f"{path}#{image_key}.png" for image_key in self._pngs}


def _tar_path(name: str, data: bytes) -> str:
    return f"{name}-{hashlib.sha256(data).hexdigest()}.tar"


def tar_sha256(path: str) -> str:
    """Returns the sha256 that a tar's name promises, in hex."""
    return path.removesuffix(".tar").rpartition("-")[2]


def _tar(pngs: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for image_key, png in sorted(pngs.items()):
            member = tarfile.TarInfo(f"{image_key}.png")
            member.size = len(png)
            tar.addfile(member, io.BytesIO(png))
    return buffer.getvalue()


def total_bytes(out: str, mask_paths: Iterable[str]) -> int:
    """Returns the size of the files that some rows' `mask_path` lie in.

    It costs no reading, and tells masks that are gone, cut or empty.
    """
    containers = {path.partition("#")[0] for path in mask_paths}
    sizes = files.sizes(files.join(out, path) for path in containers)
    return sum(size or 0 for size in sizes)


def read(out: str, mask_path: str) -> bytes:
    """Returns the PNG of a row's `mask_path`.

    Raises:
        FileNotFoundError: It is gone.
    """
    return Reader(out).read(mask_path)


class Reader:
    """Reads the masks of an output, from several threads; keeps the last few tars.

    A tar is read whole, which is one request where it is far away: to look for a mask
    in it takes its headers up to there, and the next mask is likely to be its, too.

    Args:
        out: The output.
    """

    def __init__(self, out: str):
        self._out, self._lock = out, threading.Lock()
        self._tars: dict[str, Future[bytes]] = {}

    def read(self, mask_path: str) -> bytes:
        """Returns the PNG of a row's `mask_path`.

        Raises:
            FileNotFoundError: It is gone.
            tarfile.TarError: Its tar is damaged.
        """
        container, separator, member = mask_path.partition("#")
        if not separator:
            return files.read_bytes(files.join(self._out, mask_path))
        data = self._read_tar(container)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            try:
                file = tar.extractfile(member)
            except KeyError:
                file = None
            if file is None:
                raise FileNotFoundError(mask_path)
            return file.read()

    def _read_tar(self, path: str) -> bytes:
        with self._lock:
            tar = self._tars.get(path)
            is_asked = tar is not None
            if tar is None:
                tar = self._tars[path] = Future()
            if len(self._tars) > _TARS_IN_MEMORY:
                self._tars.pop(next(iter(self._tars)))
        if not is_asked:
            try:
                tar.set_result(files.read_bytes(files.join(self._out, path)))
            except BaseException as error:
                tar.set_exception(error)
        return tar.result()
