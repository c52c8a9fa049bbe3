"""Tiny data for tests, drawn in code: a miniature VOC tree and ways to damage it."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_core import images
from fcn_core.datasets import makers
from fcn_core.datasets.listing import Entry
from fcn_core.datasets.pascal import drawn, pairs, voc
from fcn_core.labels import VOC_PALETTE
from fcn_core.records.record import SegmentationRecord

ODD_SIZES = ((37, 50), (50, 37), (33, 50))
"""(height, width): no side is a multiple of anything."""


def voc_tree(
    root: Path,
    *,
    train: int = 5,
    val: int = 3,
    sizes: Sequence[tuple[int, int]] = ODD_SIZES,
) -> Path:
    """Writes a miniature VOC; its val list has no final newline."""
    drawn.write_voc(root, train=train, val=val, sizes=sizes)
    ids = [f"2007_{number:06d}" for number in range(train, train + val)]
    drawn.write_list(root, "val", ids, final_newline=False)
    return root


def read(path: str) -> bytes:
    """Reads a local file: what data sets are handed."""
    return Path(path).read_bytes()


def load_pair(
    root: Path | str, source_id: str, *, source: str = "voc", void_rim: int = 0
) -> SegmentationRecord:
    """Returns the record of a VOC or SBD pair, made without a pipeline."""
    maker, entry = pairs.PairMaker(void_rim=void_rim), Entry(source_id, source)
    roots = {pairs.VOC_ROOT: str(root), pairs.SBD_ROOT: str(root)}
    contents = makers.read_files(maker, entry, roots=roots, read=read)
    record = makers.make_record(maker, entry, contents)
    assert isinstance(record, SegmentationRecord)
    return record


def png(array: np.ndarray, mode: str | None = None, **save: object) -> bytes:
    """Returns an array as PNG bytes."""
    file = io.BytesIO()
    Image.fromarray(array, mode).save(file, "PNG", **save)
    return file.getvalue()


def palette_png(class_map: np.ndarray, palette: np.ndarray = VOC_PALETTE) -> bytes:
    """Returns a palette PNG as Pillow writes it, with any palette."""
    image = Image.fromarray(class_map)
    image.putpalette(palette.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def jpeg(pixels: np.ndarray, **save: object) -> bytes:
    """Returns an array as JPEG bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **save)
    return file.getvalue()


def _turned_photo(photo: bytes, label: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(np.asarray(Image.open(io.BytesIO(photo))), exif=exif)


def _cmyk_photo(photo: bytes, label: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(photo)).convert("CMYK").save(file, "JPEG")
    return file.getvalue()


def _webp_photo(photo: bytes, label: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(photo)).save(file, "WEBP")
    return file.getvalue()


def _deep_photo(photo: bytes, label: np.ndarray) -> bytes:
    return png(label.astype(np.uint16) * 257)


def _alpha_photo(photo: bytes, label: np.ndarray) -> bytes:
    return png(np.dstack([VOC_PALETTE[label], label]))


def _value_21(label: np.ndarray) -> np.ndarray:
    damaged = label.copy()
    damaged[0, 0] = 21
    return damaged


PHOTO_DAMAGE: dict[str, Callable[[bytes, np.ndarray], bytes]] = {
    "empty": lambda photo, label: b"",
    "not-an-image": lambda photo, label: b"no photo, only words\n" * 9,
    "corrupt": lambda photo, label: photo[: len(photo) * 9 // 10],
    "image-turned": _turned_photo,
    "image-channels": _cmyk_photo,
    "image-format": _webp_photo,
    "image-depth": _deep_photo,
}
"""Reason -> the photo that must be refused with it."""

LABEL_DAMAGE: dict[str, Callable[[np.ndarray], bytes]] = {
    "label-size": lambda label: images.encode_mask(label[1:]),
    "label-size-swapped": lambda label: images.encode_mask(label.T),
    "label-value": lambda label: images.encode_mask(_value_21(label)),
    "label-rgb": lambda label: png(VOC_PALETTE[label]),
    "label-palette": lambda label: palette_png(label, VOC_PALETTE[::-1]),
    "label-format": lambda label: png(label.astype(np.uint16)),
    "label-corrupt": lambda label: images.encode_mask(label)[:-40],
    "all-void": lambda label: images.encode_mask(np.full_like(label, 255)),
}
"""Reason -> the label file that must be refused with it."""


def damage(root: Path, source_id: str, reason: str) -> None:
    """Damages one pair of a tree so that it must be refused with `reason`."""
    photo = root / voc.image_path(source_id)
    label = root / voc.label_path(source_id)
    class_map = images.decode_mask(label.read_bytes())
    if reason == "missing-image":
        photo.unlink()
    elif reason == "missing-label":
        label.unlink()
    elif reason in PHOTO_DAMAGE:
        photo.write_bytes(PHOTO_DAMAGE[reason](photo.read_bytes(), class_map))
    else:
        label.write_bytes(LABEL_DAMAGE[reason](class_map))


DAMAGES = ("missing-image", "missing-label", *PHOTO_DAMAGE, *LABEL_DAMAGE)
"""Every reason that `damage` can bring about."""
