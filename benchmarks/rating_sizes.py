"""How steady ratings are: photos stored at several sizes, and seen as published.

    python -m benchmarks.rating_sizes --photos DIR [--every 3] [--model aesthetics]

Prints JSON. `stored`: 50 photos encoded with a long side of 640, 1,600 and 4,000 pixels
(JPEG, quality 95), and the mean absolute difference from the first. `large`: the same
of larger photos of installed packages, at 640 and 1,000 pixels. `published`: every so
many-th photo against the warped square of the network's authors.
"""

import argparse
import importlib.util
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import scoring
from fcn_core.bad_image import BadImage
from fcn_core.metrics.correlation import spearman

SIDES: Final = (640, 1600, 4000)
COMPARED: Final = 50

_SAMPLES: Final = ("skimage", "scipy", "sklearn", "imageio", "matplotlib")
"""Packages that come with photos."""

_LARGE: Final = 1000
"""Pixels of the long side from which a package's photo counts as large."""


def stored_at(photo: Image.Image, side: int) -> bytes:
    """Returns a photo encoded with a long side of so many pixels."""
    scale = side / max(photo.size)
    size = (round(photo.width * scale), round(photo.height * scale))
    buffer = io.BytesIO()
    resized = photo.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    resized.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def ratings_at(
    photos: Iterable[Path], scorer: scoring.PhotoScorer, sides: Sequence[int]
) -> NDArray[np.float64]:
    """Returns mean ratings `[photos, sides]`."""
    return np.array(
        [
            [_mean(scorer, stored_at(Image.open(path), side)) for side in sides]
            for path in photos
        ]
    )


def large_photos() -> list[Path]:
    """Returns large photos of installed packages."""
    found: list[Path] = []
    for name in _SAMPLES:
        spec = importlib.util.find_spec(name)
        for folder in spec.submodule_search_locations or () if spec else ():
            paths = (p for p in Path(folder).rglob("*") if p.suffix in (".jpg", ".png"))
            found += [path for path in sorted(paths) if _is_large(path)]
    return found


def _is_large(path: Path) -> bool:
    try:
        with Image.open(path) as photo:
            return max(photo.size) >= _LARGE and photo.mode == "RGB"
    except OSError:
        return False


def _mean(scorer: scoring.PhotoScorer, data: bytes) -> float:
    score = scorer.score_photo(data)
    means = (score.aesthetics_mean, score.technical_mean)
    return next(mean for mean in means if mean is not None)


def differences(ratings: NDArray[np.float64]) -> list[float]:
    """Returns the mean absolute difference of each size from the first."""
    gaps = np.abs(ratings[:, 1:] - ratings[:, :1])
    return [round(float(gap), 4) for gap in gaps.mean(axis=0)] if len(gaps) else []


def against_published(
    photos: Iterable[Path], scorer: scoring.Scorer
) -> dict[str, float | int]:
    """Compares one pass and three squares with the published input."""
    seen = [scoring.PhotoScorer([scorer], views=v) for v in ("square", "1", "3")]
    rows = []
    for path in photos:
        data = path.read_bytes()
        try:
            rows.append([_mean(one, data) for one in seen])
        except BadImage:
            continue
    square, whole, three = np.array(rows).T
    return {
        "photos": len(rows),
        "square_mean": round(float(square.mean()), 4),
        "whole_offset": round(float((whole - square).mean()), 4),
        "whole_srcc": round(spearman(whole, square), 4),
        "three_offset": round(float((three - square).mean()), 4),
        "three_srcc": round(spearman(three, square), 4),
    }


def main() -> None:
    """Parses the command line and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--model", default="aesthetics")
    asked = parser.parse_args()
    model = scoring.load_scorer(asked.model, "openvino", "f32")
    scorer = scoring.PhotoScorer([model])
    paths = sorted(asked.photos.glob("*.jpg"))
    some = paths[:: max(1, len(paths) // COMPARED)][:COMPARED]
    large = large_photos()
    figures = {
        "stored": differences(ratings_at(some, scorer, SIDES)),
        "large_photos": len(large),
        "large": differences(ratings_at(large, scorer, (640, 1000))),
        "published": against_published(paths[:: asked.every], model),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
