"""How many sizes of input a night of mixed photos has, and what padding them costs.

    python -m benchmarks.padded_shapes --photos VOC2012/JPEGImages

A GPU computes photos of one padded size together, with a program for each: few sizes
mean few programs and full batches, but more pixels that nobody asked for. Sides are
rounded up to multiples of `fcn_core.scoring.SIDE_ROUNDING`; here to others as well.
One line for each model, mix of photos and multiple: the number of sizes, the share of
computed pixels that is padding, and the share of photos in the five most frequent ones.

Besides the photos of a folder there is a mix that is drawn: two thirds from phones, the
rest from cameras, with every usual aspect ratio, upright and not, some of them cropped
freely, thumbnails, and panoramas. Nothing is decoded; sizes decide it.
"""

import argparse
import dataclasses
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from PIL import Image

from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.find import find_bundle
from fcn_core.geometry import Size
from fcn_core.scoring.feed import Feed, feed_of, place
from fcn_core.scoring.scorers import side_multiple

_MIX: Final = {
    (4032, 3024): 40,  # phones: 4:3
    (3840, 2160): 14,  # 16:9
    (2532, 1170): 6,  # a whole screen
    (3024, 3024): 6,
    (6000, 4000): 16,  # cameras: 3:2
    (4608, 3456): 6,
    (2500, 2000): 3,  # 5:4
    (8000, 2000): 2,  # panoramas
    (9000, 3000): 2,
    (320, 240): 2,
}
"""Long and short side, and its share in percent; what is left is cropped freely."""

_UPRIGHT: Final = 0.4


def folder_sizes(folder: Path) -> Iterator[Size]:
    """Yields the sizes of the photos of a folder, as they are stored."""
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            yield Size(image.height, image.width)


def drawn_sizes(count: int) -> Iterator[Size]:
    """Yields sizes of a mix of photos, the same every time."""
    chosen = random.Random(0)
    kinds, weights = zip(*_MIX.items(), strict=True)
    free = 100 - sum(weights)
    for _ in range(count):
        (kind,) = chosen.choices((*kinds, None), (*weights, free))
        long, short = kind or (chosen.randint(800, 4000), chosen.randint(500, 3000))
        is_upright = chosen.random() < _UPRIGHT
        yield Size(long, short) if is_upright else Size(short, long)


def cost(sizes: Iterable[Size], feed: Feed, *, multiple: int) -> dict[str, float]:
    """Returns what padding to multiples costs, if photos are fed so."""
    shapes, fed = Counter[Size](), dataclasses.replace(feed, multiple=multiple)
    asked = computed = 0
    for size in sizes:
        placed = place(size, fed)
        shapes[placed.padded] += 1
        asked += placed.fitted.height * placed.fitted.width
        computed += placed.padded.height * placed.padded.width
    frequent = sum(number for _, number in shapes.most_common(5))
    return {
        "sizes": len(shapes),
        "padding": round(1 - asked / computed, 3),
        "in_five": round(frequent / shapes.total(), 3),
    }


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    made.add_argument("--photos", type=Path)
    made.add_argument("--drawn", type=int, default=10_000)
    made.add_argument("--model", nargs="+", default=["voc21", "quality"])
    made.add_argument("--max_side", type=int)
    made.add_argument("--multiples", type=int, nargs="+", default=[32, 64, 128, 256])
    return made


def main() -> None:
    """Prints one JSON object a line."""
    asked = parser().parse_args()
    mixes: dict[str, Sequence[Size]] = {"drawn": [*drawn_sizes(asked.drawn)]}
    if asked.photos is not None:
        mixes = {"folder": [*folder_sizes(asked.photos)], **mixes}
    for name in asked.model:
        card = ModelCard.read(find_bundle(name))
        is_one_area = card.nearest_pixels is not None
        multiples = [side_multiple(card)] if is_one_area else asked.multiples
        for mix, sizes in mixes.items():
            for multiple in multiples:
                found = cost(sizes, feed_of(card, asked.max_side), multiple=multiple)
                which = {"model": name, "photos": mix, "multiple": multiple}
                print(json.dumps(which | found))


if __name__ == "__main__":
    main()
