"""The photos of `fcn demo`: real ones from an installed package, and spoiled copies.

The five colour photos and the grey one ship inside scikit-image's wheel, so the demo
needs no network and this project redistributes none of them. The docstrings of
`skimage.data` say of them:

- astronaut.png: Eileen Collins, NASA Great Images database; no known copyright
  restrictions, public domain.
- chelsea.png: a cat; CC0 by the photographer, Stefan van der Walt.
- motorcycle_left.png: Middlebury 2014 stereo benchmark (Scharstein et al., "High-
  resolution stereo datasets with subpixel-accurate ground truth", GCPR 2014).
- coffee.png: courtesy of Pikolo Espresso Bar; CC0 by the photographer, Rachel Michetti.
- rocket.jpg: launch of DSCOVR, SpaceX Photos; public domain.
- camera.png: a man with a camera; CC0 by the photographer, Lav Varshney.

Copies that are blurred, noisy, dark or squeezed show that a worse picture gets a lower
score; files that are damaged or unusual show what becomes a row with a reason and what
is scored anyway. The same package versions write the same bytes.
"""

import importlib.util
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

_QUALITY: Final = 95
_SQUEEZED_QUALITY: Final = 8
_BLUR_RADIUS: Final = 4.0
_NOISE_STD: Final = 40.0
_EXPOSURE: Final = 0.22
_ORIENTATION_TAG: Final = 0x0112
_TURN_RIGHT: Final = 6
"""EXIF orientation 6: the stored picture has to be turned 90 degrees clockwise."""

_PHOTOS: Final[Mapping[str, str]] = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "motorbike": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}
_CAMERA: Final = "camera.png"

_COPIES: Final[tuple[tuple[str, str], ...]] = (
    ("astronaut", "blurred"),
    ("astronaut", "jpeg8"),
    ("astronaut", "noisy"),
    ("cat", "blurred"),
    ("cat", "dark"),
    ("cat", "jpeg8"),
    ("coffee", "blurred"),
    ("coffee", "dark"),
    ("coffee", "noisy"),
    ("motorbike", "blurred"),
    ("motorbike", "dark"),
    ("motorbike", "jpeg8"),
    ("rocket", "noisy"),
)


class DemoPhotosError(Exception):
    """The sample photos are not installed; the message names the cure."""


@dataclass(frozen=True, slots=True)
class DemoPhoto:
    """One file of the demo.

    Attributes:
        name: Of the file, in the folder of the photos.
        what: What was done to the photo, in a few words.
        source: File of scikit-image that it is made from; empty if it is made up.
        readable: Whether it can be scored; the others must become failed rows.
    """

    name: str
    what: str
    source: str
    readable: bool = True


def write(folder: Path) -> list[DemoPhoto]:
    """Writes the demo's photos into `folder` (made if missing).

    A file that already holds the right bytes is left alone: a new modification time
    would make it a new version of the photo, and the second run would score it again.

    Returns:
        What lies there now, in order of the names.

    Raises:
        DemoPhotosError: A photo, or all of scikit-image, is not installed.
    """
    sources = _find_sources()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for photo, data in _files(sources):
        path = folder / photo.name
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)
        written.append(photo)
    return sorted(written, key=lambda photo: photo.name)


def _find_sources() -> Path:
    """Returns scikit-image's folder of photos without importing the package."""
    found = importlib.util.find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise DemoPhotosError(
            "the demo's photos: got no scikit-image, expected the package they come "
            "with; install the [demo] extra, or `pip install scikit-image`"
        )
    folder = Path(found.submodule_search_locations[0]) / "data"
    for name in (*_PHOTOS.values(), _CAMERA):
        if not (folder / name).is_file():
            raise DemoPhotosError(
                f"the demo's photos: got a scikit-image without {name}, expected the "
                "one of constraints.txt; install that version"
            )
    return folder


def _files(sources: Path) -> Iterator[tuple[DemoPhoto, bytes]]:
    for name, source in _PHOTOS.items():
        data = _jpeg(_open_rgb(sources / source))
        yield DemoPhoto(f"{name}.jpg", "as it is", source), data
    for name, spoiled in _COPIES:
        source = _PHOTOS[name]
        data = _SPOILERS[spoiled](_open_rgb(sources / source))
        yield DemoPhoto(f"{name}_{spoiled}.jpg", spoiled, source), data
    yield from _odd_files(sources)


def _odd_files(sources: Path) -> Iterator[tuple[DemoPhoto, bytes]]:
    cat, coffee, rocket = (_PHOTOS[name] for name in ("cat", "coffee", "rocket"))
    yield (
        DemoPhoto("camera_16bit.png", "16-bit grey PNG", _CAMERA),
        _grey_16_bit_png(sources / _CAMERA),
    )
    yield (
        DemoPhoto("cat_turned.jpg", "stored turned, upright by EXIF", cat),
        _turned_jpeg(_open_rgb(sources / cat)),
    )
    yield (
        DemoPhoto("coffee_cmyk.jpg", "CMYK instead of RGB", coffee),
        _jpeg(_open_rgb(sources / coffee).convert("CMYK")),
    )
    whole = _jpeg(_open_rgb(sources / rocket))
    yield (
        DemoPhoto("rocket_truncated.jpg", "cut off", rocket, readable=False),
        whole[: len(whole) * 2 // 5],
    )
    yield (
        DemoPhoto("text.jpg", "a text file", "", readable=False),
        b"This is a text file whose name ends in .jpg.\n",
    )


def _open_rgb(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _jpeg(image: Image.Image, quality: int = _QUALITY) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()


def _blurred_jpeg(image: Image.Image) -> bytes:
    return _jpeg(image.filter(ImageFilter.GaussianBlur(_BLUR_RADIUS)))


def _noisy_jpeg(image: Image.Image) -> bytes:
    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).standard_normal(pixels.shape, np.float32)
    noisy = np.clip(pixels + _NOISE_STD * noise, 0, 255).astype(np.uint8)
    return _jpeg(Image.fromarray(noisy))


def _dark_jpeg(image: Image.Image) -> bytes:
    return _jpeg(image.point([int(value * _EXPOSURE) for value in range(256)] * 3))


def _squeezed_jpeg(image: Image.Image) -> bytes:
    return _jpeg(image, _SQUEEZED_QUALITY)


_SPOILERS: Final[Mapping[str, Callable[[Image.Image], bytes]]] = {
    "blurred": _blurred_jpeg,
    "dark": _dark_jpeg,
    "jpeg8": _squeezed_jpeg,
    "noisy": _noisy_jpeg,
}


def _turned_jpeg(image: Image.Image) -> bytes:
    """Returns a JPEG whose pixels lie on their side, and whose EXIF says so."""
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = _TURN_RIGHT
    buffer = io.BytesIO()
    turned = image.transpose(Image.Transpose.ROTATE_90)
    turned.save(buffer, format="JPEG", quality=_QUALITY, exif=exif)
    return buffer.getvalue()


def _grey_16_bit_png(path: Path) -> bytes:
    with Image.open(path) as image:
        grey = np.asarray(image.convert("L"), np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(grey * 257).save(buffer, format="PNG")
    return buffer.getvalue()
