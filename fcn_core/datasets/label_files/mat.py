"""SBD's label files: a MATLAB struct `GTcls` whose `Segmentation` holds class ids.

SciPy reads them. Its reader can crash the interpreter on damaged files and allocates
whatever they ask for, so this runs in killable processes only, and files are inflated
here first, under a limit: a zlib stream carries a checksum, which catches nearly all
damage before SciPy sees it.
"""

import io
import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.bad_image import clean_detail
from fcn_core.datasets.label_files.checks import (
    bad_label,
    check_size,
    check_values,
)
from fcn_core.images.histogram import count_values
from fcn_core.labels import VOID

MAX_INFLATED_BYTES: Final = 64 << 20
"""A real label of 500 x 500 pixels inflates to about 300 kB."""

_HEADER: Final = 128
_ENDIAN: Final = {b"IM": "<", b"MI": ">"}
_COMPRESSED: Final = 15  # miCOMPRESSED of the MAT-file format, level 5
_VERSION: Final = 0x0100


def read_label_mat(
    data: bytes,
    *,
    height: int,
    width: int,
    num_classes: int,
    path: str,
    void_rim: int = 0,
) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Returns a label's class map and the classes in it.

    Args:
        data: The bytes of a `cls/<id>.mat`.
        height: Of the photo it belongs to, in pixels.
        width: Of the photo it belongs to, in pixels.
        num_classes: Values from here on are refused.
        path: The label file, for the report.
        void_rim: Pixels on either side of each drawn boundary that become void, as
            VOC's labels have it and SBD's do not; 0 leaves the label as it is.

    Returns:
        uint8 `[H, W]`, values below `num_classes`, or VOID on the rim; and the distinct
        classes, ascending, without background and void.

    Raises:
        BadRecord: Not such a file, damaged, of another size, or at odds with itself.
    """
    struct_ = _load(data, path)
    class_map = _field(struct_, "Segmentation", path)
    if class_map.ndim != 2 or class_map.dtype != np.uint8:
        detail = f"Segmentation is {class_map.dtype} {list(class_map.shape)}"
        raise bad_label("label-format", f"{detail}, expected uint8 [H, W]", path)
    check_size(class_map.shape, (height, width), path)
    class_map = np.ascontiguousarray(class_map)
    classes = _check_classes(class_map, struct_, num_classes=num_classes, path=path)
    if void_rim:
        outline = _outline(struct_, class_map.shape, path)
        class_map[dilate(outline, void_rim)] = VOID
        values = np.flatnonzero(count_values(class_map))
        classes = check_values(values, num_classes=num_classes, void=VOID, path=path)
    return class_map, classes


def dilate(mask: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """Returns bool `[H, W]`: a mask grown by `distance` rows and columns each way."""
    for axis in (0, 1):
        grown = mask.copy()
        for shift in range(1, distance + 1):
            before, after = [slice(None)] * 2, [slice(None)] * 2
            before[axis], after[axis] = slice(None, -shift), slice(shift, None)
            grown[tuple(after)] |= mask[tuple(before)]
            grown[tuple(before)] |= mask[tuple(after)]
        mask = grown
    return mask


def inflate(data: bytes, *, path: str) -> bytes:
    """Returns a MAT file with its compressed variables inflated.

    Raises:
        BadRecord: Not a MAT file of level 5, damaged, or larger than the limit.
    """
    endian = _ENDIAN.get(data[126:128])
    if endian is None or struct.unpack_from(endian + "H", data, 124)[0] != _VERSION:
        raise bad_label("label-format", "not a MAT file of level 5", path)
    parts, size, position = [data[:_HEADER]], _HEADER, _HEADER
    while position < len(data):
        if position + 8 > len(data):
            raise bad_label("label-corrupt", "the file ends inside a variable", path)
        kind, length = struct.unpack_from(endian + "II", data, position)
        end = position + 8 + length
        if end > len(data):
            raise bad_label("label-corrupt", "the file ends inside a variable", path)
        if kind == _COMPRESSED:
            part = _decompress(
                data[position + 8 : end], MAX_INFLATED_BYTES - size, path
            )
        else:
            part = data[position:end]
        size += len(part)
        parts.append(part)
        position = end
    return b"".join(parts)


def _decompress(data: bytes, limit: int, path: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, max(limit, 1))
    except zlib.error as error:
        raise bad_label("label-corrupt", str(error), path) from error
    if stream.unconsumed_tail:
        detail = f"inflates to more than {MAX_INFLATED_BYTES} bytes"
        raise bad_label("label-too-large", detail, path)
    if not stream.eof:
        raise bad_label("label-corrupt", "the compressed variable breaks off", path)
    return inflated


def _load(data: bytes, path: str) -> Any:
    """Returns the struct GTcls as an object with attributes."""
    from scipy.io import loadmat

    plain = inflate(data, path=path)
    try:
        found = loadmat(
            io.BytesIO(plain),
            variable_names=["GTcls"],
            squeeze_me=True,
            struct_as_record=False,
        )
    except MemoryError:
        raise
    except Exception as error:
        # SciPy raises anything on damaged bytes.
        detail = clean_detail(f"{type(error).__name__}: {error}")
        raise bad_label("label-corrupt", detail, path) from error
    if "GTcls" not in found:
        detail = "no struct GTcls; take the file of the folder cls, not inst"
        raise bad_label("label-format", detail, path)
    return found["GTcls"]


def _field(struct_: Any, name: str, path: str) -> NDArray[Any]:
    if name not in getattr(struct_, "_fieldnames", ()):
        raise bad_label("label-format", f"GTcls has no field {name}", path)
    return np.asarray(getattr(struct_, name))


def _check_classes(
    class_map: NDArray[np.uint8], struct_: Any, *, num_classes: int, path: str
) -> tuple[int, ...]:
    """Returns the classes present; the file lists them, too, and must agree."""
    values = np.flatnonzero(count_values(class_map))
    present = check_values(values, num_classes=num_classes, void=None, path=path)
    listed = _field(struct_, "CategoriesPresent", path).ravel().tolist()
    if sorted(listed) != list(present):
        detail = f"CategoriesPresent says {listed}, the pixels {list(present)}"
        raise bad_label("label-categories", detail, path)
    return present


def _outline(struct_: Any, shape: tuple[int, ...], path: str) -> NDArray[np.bool_]:
    """Returns bool `[H, W]`: the boundaries of all classes."""
    from scipy.sparse import issparse

    outline = np.zeros(shape, bool)
    for boundary in _field(struct_, "Boundaries", path).ravel():
        if not issparse(boundary) or boundary.shape != shape:
            detail = "Boundaries are not sparse matrices of the label's size"
            raise bad_label("label-format", detail, path)
        outline |= boundary.toarray() != 0
    return outline
