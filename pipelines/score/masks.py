"""Where masks lie: a PNG a photo in a folder a chunk, or one tar a chunk.

A tar (WebDataset layout: `<image_key>.png`) costs one write instead of hundreds, which
is what object stores charge for. It is named by its own hash, so two attempts at a
chunk cannot mix. A mask's path in a row is relative to the output.
"""

import hashlib
import io
import tarfile
from collections.abc import Mapping
from typing import Protocol

from pipelines import files
from pipelines.score.layout import NightFolder


class ChunkMasks(Protocol):
    """Takes the masks of one chunk, then finishes before the chunk's part is made."""

    def add(self, image_key: str, png: bytes) -> None:
        """Takes one mask."""

    def finish(self) -> Mapping[str, str]:
        """Makes all masks readable; returns image key -> path in the output."""


def open_chunk(folder: NightFolder, chunk: int, *, layout: str) -> ChunkMasks:
    """Returns where the masks of a chunk go: layout `png`, `tar`, or none come."""
    name = f"masks/run_date={folder.run_date}/chunk-{chunk:08}"
    return (_TarMasks if layout == "tar" else _PngMasks)(folder.out, name)


class _PngMasks:
    def __init__(self, out: str, folder: str):
        self._out, self._folder = out, folder
        self._paths: dict[str, str] = {}

    def add(self, image_key: str, png: bytes) -> None:
        path = f"{self._folder}/{image_key}.png"
        files.write_atomically(files.join(self._out, path), png)
        self._paths[image_key] = path

    def finish(self) -> Mapping[str, str]:
        return self._paths


class _TarMasks:
    def __init__(self, out: str, name: str):
        self._out, self._name = out, name
        self._pngs: dict[str, bytes] = {}

    def add(self, image_key: str, png: bytes) -> None:
        self._pngs[image_key] = png

    def finish(self) -> Mapping[str, str]:
        if not self._pngs:
            return {}
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for image_key, png in sorted(self._pngs.items()):
                member = tarfile.TarInfo(f"{image_key}.png")
                member.size = len(png)
                tar.addfile(member, io.BytesIO(png))
        data = buffer.getvalue()
        path = f"{self._name}-{hashlib.sha256(data).hexdigest()}.tar"
        files.create_once(files.join(self._out, path), data)
        return {image_key: f"{path}#{image_key}.png" for image_key in self._pngs}


def read(out: str, mask_path: str) -> bytes:
    """Returns the PNG of a row's `mask_path`.

    Raises:
        FileNotFoundError: It is gone.
    """
    container, separator, member = mask_path.partition("#")
    if not separator:
        return files.read_bytes(files.join(out, mask_path))
    with tarfile.open(files.to_path(files.join(out, container))) as tar:
        try:
            file = tar.extractfile(member)
        except KeyError:
            file = None
        if file is None:
            raise FileNotFoundError(mask_path)
        return file.read()
