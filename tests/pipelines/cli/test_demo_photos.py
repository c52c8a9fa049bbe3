"""The demo's photos: their bytes, their oddities, and the error without the extra."""

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError

from fcn_core import images
from pipelines.cli import demo_photos

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("skimage") is None,
    reason="scikit-image (extra [demo]) is not installed",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "photos"
    demo_photos.write(folder)
    return folder


def test_writes_what_it_says(tmp_path: Path) -> None:
    written = demo_photos.write(tmp_path / "new" / "photos")
    names = [photo.name for photo in written]
    assert names == sorted(p.name for p in (tmp_path / "new" / "photos").iterdir())
    assert 20 <= len(names) <= 24
    assert {p.name for p in written if not p.readable} == {
        "rocket_truncated.jpg",
        "text.jpg",
    }


def test_bytes_are_the_same_again(folder: Path, tmp_path: Path) -> None:
    for photo in demo_photos.write(tmp_path):
        assert (tmp_path / photo.name).read_bytes() == (
            folder / photo.name
        ).read_bytes()


def test_second_run_touches_only_what_differs(tmp_path: Path) -> None:
    demo_photos.write(tmp_path)
    before = (tmp_path / "cat.jpg").stat().st_mtime_ns
    whole = (tmp_path / "coffee.jpg").read_bytes()
    (tmp_path / "coffee.jpg").write_bytes(b"half")
    demo_photos.write(tmp_path)
    assert (tmp_path / "cat.jpg").stat().st_mtime_ns == before
    assert (tmp_path / "coffee.jpg").read_bytes() == whole


def test_decoder_agrees_about_what_is_readable(folder: Path, tmp_path: Path) -> None:
    for photo in demo_photos.write(tmp_path):
        data = (folder / photo.name).read_bytes()
        if photo.readable:
            assert images.decode(data).pixels.std() > 5, photo.name
        else:
            with pytest.raises(images.BadImage):
                images.decode(data)


def test_turned_photo_is_upright_only_after_exif(folder: Path) -> None:
    upright = _open(folder / "cat.jpg")
    turned = _open(folder / "cat_turned.jpg")
    assert turned.size == upright.size[::-1]
    righted = np.asarray(ImageOps.exif_transpose(turned), int)
    assert np.abs(righted - np.asarray(upright, int)).mean() < 2


def test_odd_files_are_what_their_names_say(folder: Path) -> None:
    assert _open(folder / "coffee_cmyk.jpg").mode == "CMYK"
    sixteen = np.asarray(_open(folder / "camera_16bit.png"))
    assert sixteen.dtype == np.uint16
    assert sixteen.max() > 60_000
    with pytest.raises(UnidentifiedImageError):
        _open(folder / "text.jpg")
    with pytest.raises(OSError, match="truncated"):
        _open(folder / "rocket_truncated.jpg").load()


def test_copies_are_spoiled_as_their_names_say(folder: Path) -> None:
    assert _sharpness(folder / "cat_blurred.jpg") < _sharpness(folder / "cat.jpg") / 2
    assert (
        _sharpness(folder / "coffee_noisy.jpg") > _sharpness(folder / "coffee.jpg") * 2
    )
    assert _brightness(folder / "cat_dark.jpg") < _brightness(folder / "cat.jpg") / 3
    squeezed = folder / "motorbike_jpeg8.jpg"
    assert squeezed.stat().st_size < (folder / "motorbike.jpg").stat().st_size / 8


def test_missing_package_is_one_sentence_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(demo_photos.DemoPhotosError, match=r"install the \[demo\]"):
        demo_photos.write(tmp_path)


def _open(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def _grey(path: Path) -> np.ndarray:
    return np.asarray(_open(path).convert("L"), np.float32)


def _sharpness(path: Path) -> float:
    return float(np.abs(np.diff(_grey(path), axis=1)).mean())


def _brightness(path: Path) -> float:
    return float(_grey(path).mean())
