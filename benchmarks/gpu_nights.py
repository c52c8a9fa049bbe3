"""Whether batches and lanes decide a byte of a night, on real photos of every kind.

    python -m benchmarks.gpu_nights --photos VOC2012/JPEGImages --count 500
    python -m benchmarks.gpu_nights --photos photos --lanes 2 -- --max_side 256

Makes so many photos of those in a folder: as they are, upright, PNG, WebP, grey, CMYK,
with transparency, thumbnails, panoramas, turned by EXIF, and enlarged to 24 megapixels.
They are scored without a device, then around `--device cpu` with each size of batches
and number of lanes. What follows `--` are words of `fcn score`. Printed as JSON:

- `nights`: for each of them whether table and masks are those of the first night around
  the device, byte for byte (`same`), and its seconds.
- `one_by_one`: the first one against the night without a device: whether it is the
  same; else the share of `pixels` that are, and the most that a mean rating differs.
"""

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from pipelines.score import masks

_NIGHT: Final = "2026-11-20"
_MEGAPIXELS_24: Final = (6000, 4000)
_RATINGS: Final = ("aesthetics_mean", "technical_mean")

Made = tuple[str, bytes]
"""The ending of a photo's name, and its bytes."""


def _encoded(image: Image.Image, kind: str, **options: Any) -> Made:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return kind.lower(), buffer.getvalue()


def _turned(image: Image.Image) -> Made:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: a quarter turn
    return _encoded(image, "JPEG", exif=exif)


def _panorama(image: Image.Image) -> Made:
    side = image.height // 4
    return _encoded(image.crop((0, side, image.width, 2 * side)), "JPEG", quality=90)


_KINDS: Final[list[Callable[[Image.Image], Made]]] = [
    lambda image: _encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG"),
    lambda image: _encoded(image, "PNG"),
    lambda image: _encoded(image, "WEBP"),
    lambda image: _encoded(image.convert("L"), "JPEG"),
    lambda image: _encoded(image.convert("CMYK"), "JPEG"),
    lambda image: _encoded(image.convert("RGBA"), "PNG"),
    lambda image: _encoded(image.resize((64, 48)), "PNG"),
    _panorama,
    _turned,
    lambda image: _encoded(image.resize((image.width * 2, image.height * 2)), "JPEG"),
]
"""How every second photo is changed, in turn; the others are as they are."""


def make_photos(source: Path, folder: Path, count: int) -> None:
    """Makes photos of every kind from those of a folder."""
    found = sorted(path for path in source.iterdir() if path.suffix == ".jpg")
    folder.mkdir()
    for number in range(count):
        path = found[number % len(found)]
        made: Made = "jpg", path.read_bytes()
        with Image.open(path) as image:
            if number % 100 == 50:
                made = _encoded(image.resize(_MEGAPIXELS_24), "JPEG")
            elif number % 2:
                made = _KINDS[number // 2 % len(_KINDS)](image.convert("RGB"))
        (folder / f"{number:05}.{made[0]}").write_bytes(made[1])


def score(photos: Path, out: Path, words: list[str]) -> float:
    """Scores photos; returns the seconds that it took."""
    where = ["--input", os.fspath(photos), "--output", os.fspath(out)]
    night = ["--run_date", _NIGHT, "--max_error_rate", "1"]
    command = [sys.executable, "-m", "pipelines.cli", "score", *where, *night, *words]
    start = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr[-2000:])
    return time.monotonic() - start


def digests(out: Path) -> dict[str, str]:
    """Returns the sha256 of each file of a night's table and masks."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for kept in ("scores", "masks")
        for path in sorted((out / kept).rglob("*"))
        if path.is_file()
    }


def rows(out: Path) -> Iterator[dict[str, Any]]:
    """Yields the rows of a night's table, in its order."""
    for path in sorted((out / "scores" / f"run_date={_NIGHT}").glob("*.parquet")):
        yield from pq.read_table(path, partitioning=None).to_pylist()


def difference(one: Path, other: Path) -> dict[str, float]:
    """Returns how far two nights of the same photos are from each other."""
    same = pixels = 0
    apart = 0.0
    for first, second in zip(rows(one), rows(other), strict=True):
        for column in _RATINGS:
            if first[column] is not None:
                apart = max(apart, abs(first[column] - second[column]))
        if first["mask_path"] is not None:
            maps = [_map(one, first), _map(other, second)]
            same += int((maps[0] == maps[1]).sum())
            pixels += maps[0].size
    return {"pixels": same / max(1, pixels), "ratings": apart}


def _map(out: Path, row: dict[str, Any]) -> np.ndarray[Any, Any]:
    png = masks.read(os.fspath(out), row["mask_path"])
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    made.add_argument("--photos", type=Path, required=True)
    made.add_argument("--count", type=int, default=500)
    made.add_argument("--batches", type=int, nargs="+", default=[1, 3, 8])
    made.add_argument("--lanes", type=int, nargs="+", default=[1, 2, 3])
    made.add_argument("--model", nargs="+", default=["voc21", "quality"])
    made.add_argument("words", nargs="*", help="of fcn score")
    return made


def main() -> None:
    """Scores the nights and prints one JSON object."""
    asked = parser().parse_args()
    words = ["--model", *asked.model, *asked.words]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photos(asked.photos, folder / "photos", asked.count)
        print(json.dumps(_nights(folder, asked, words), indent=1))


def _nights(
    folder: Path, asked: argparse.Namespace, words: list[str]
) -> dict[str, object]:
    photos, alone, first = folder / "photos", folder / "alone", folder / "first"
    score(photos, alone, [*words, "--device", "none"])
    found, expected = list[dict[str, object]](), dict[str, str]()
    for batch in asked.batches:
        for lanes in asked.lanes:
            out = first if not found else folder / f"{batch}-{lanes}"
            device = [
                "--device",
                "cpu",
                "--gpu_batch",
                f"{batch}",
                "--lanes",
                f"{lanes}",
            ]
            seconds = score(photos, out, [*words, *device])
            expected = expected or digests(out)
            same = digests(out) == expected
            night = {"batch": batch, "lanes": lanes, "same": same}
            found.append({**night, "seconds": round(seconds, 1)})
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    one_by_one: dict[str, object] = {"same": digests(alone) == expected}
    if not one_by_one["same"]:
        one_by_one |= difference(alone, first)
    failed = sum(row["status"] == "failed" for row in rows(first))
    return {
        "photos": asked.count,
        "failed": failed,
        "nights": found,
        "one_by_one": one_by_one,
    }


if __name__ == "__main__":
    main()
