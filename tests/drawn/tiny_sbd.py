"""A miniature SBD, drawn in code, and ways to damage its labels."""

import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat
from scipy.sparse import csc_matrix

from fcn_core.datasets.pascal import drawn, sbd
from fcn_core.labels import VOID
from tests.drawn import tiny_data

NUM_OBJECT_CLASSES = 20


def hard_edges(class_map: np.ndarray) -> np.ndarray:
    """Returns a drawn label as SBD has it: background instead of void."""
    return np.where(class_map == VOID, 0, class_map).astype(np.uint8)


def boundaries(class_map: np.ndarray) -> np.ndarray:
    """Returns object `[20, 1]` of sparse `[H, W]`: each class's outermost pixels."""
    cells = np.empty((NUM_OBJECT_CLASSES, 1), object)
    for class_id in range(1, NUM_OBJECT_CLASSES + 1):
        inside = np.pad(class_map == class_id, 1)
        core = (
            inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
        )
        outline = inside[1:-1, 1:-1] & ~core
        cells[class_id - 1, 0] = csc_matrix(outline.astype(np.uint8))
    return cells


def mat(class_map: np.ndarray, **changed: Any) -> bytes:
    """Returns a label as a `.mat` file like SBD's; `changed` replaces its fields."""
    present = [value for value in np.unique(class_map).tolist() if value]
    fields = {
        "Boundaries": boundaries(class_map),
        "Segmentation": class_map,
        "CategoriesPresent": np.array(present, np.uint8).reshape(-1, 1),
    }
    return save({"GTcls": fields | changed})


def save(content: dict[str, Any]) -> bytes:
    """Returns variables as a compressed MAT file without a time in its header."""
    file = io.BytesIO()
    savemat(file, content, do_compression=True)
    text = b"MATLAB 5.0 MAT-file, drawn".ljust(116)
    return text + file.getvalue()[116:]


def bomb(inflated: int) -> bytes:
    """Returns a small MAT file whose one variable inflates to so many zero bytes."""
    stream = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    # A block after a full flush refers to nothing before it, so one serves for all.
    block = stream.compress(bytes(1 << 20)) + stream.flush(zlib.Z_FULL_FLUSH)
    checksum = (inflated % 65521) << 16 | 1
    body = b"\x78\xda" + block * (inflated >> 20) + b"\x03\x00"
    body += checksum.to_bytes(4, "big")
    header = save({})[:128]
    return header + np.array([15, len(body)], "<u4").tobytes() + body


def write_pair(root: Path, source_id: str, scene: drawn.Scene) -> None:
    """Writes a scene where an SBD tree has its photo and its label."""
    for path, data in (
        (sbd.image_path(source_id), tiny_data.jpeg(scene.pixels)),
        (sbd.label_path(source_id), mat(hard_edges(scene.class_map))),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def sbd_tree(root: Path, *, train: Sequence[str], val: Sequence[str]) -> Path:
    """Writes a miniature SBD of these ids."""
    for number, source_id in enumerate((*train, *val)):
        height, width = tiny_data.ODD_SIZES[number % 3]
        scene = drawn.draw_scene(100 + number, height=height, width=width)
        write_pair(root, source_id, scene)
    for split, ids in (("train", train), ("val", val)):
        (root / sbd.list_path(split)).write_text("\n".join(ids) + "\n")
    return root


def _value_21(class_map: np.ndarray) -> bytes:
    damaged = class_map.copy()
    damaged[0, 0] = 21
    return mat(damaged)


def _flipped(class_map: np.ndarray) -> bytes:
    data = bytearray(mat(class_map))
    data[len(data) * 2 // 3] ^= 0xFF
    return bytes(data)


LABEL_DAMAGE: dict[str, tuple[str, Callable[[np.ndarray], bytes]]] = {
    "cut in half": ("label-corrupt", lambda m: mat(m)[: len(mat(m)) // 2]),
    "cut by a byte": ("label-corrupt", lambda m: mat(m)[:-1]),
    "a flipped byte": ("label-corrupt", _flipped),
    "no MAT file": ("label-format", lambda m: b"words, words, words " * 20),
    "empty": ("label-format", lambda m: b""),
    "another variable": ("label-format", lambda m: save({"GTinst": {"a": m}})),
    "no struct": ("label-format", lambda m: save({"GTcls": m})),
    "a field less": ("label-format", lambda m: save({"GTcls": {"Segmentation": m}})),
    "int16": ("label-format", lambda m: mat(m, Segmentation=m.astype(np.int16))),
    "three axes": ("label-format", lambda m: mat(m, Segmentation=np.stack([m] * 2))),
    "larger": ("label-size", lambda m: mat(m[1:])),
    "swapped": ("label-size-swapped", lambda m: mat(np.ascontiguousarray(m.T))),
    "value 21": ("label-value", _value_21),
    "other categories": (
        "label-categories",
        lambda m: mat(m, CategoriesPresent=np.array([[19]], np.uint8)),
    ),
    "1 GB": ("label-too-large", lambda m: bomb(1 << 30)),
}
"""What is wrong -> the reason it must be refused with, and such a label."""
