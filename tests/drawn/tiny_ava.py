"""A miniature AVA, drawn in code: votes, lists and photos."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fcn_core.datasets.pascal import drawn
from tests.drawn import tiny_data

MIDDLE = (0, 0, 1, 3, 12, 3, 1, 0, 0, 0)
"""Votes with a mean of exactly 5."""


def votes(number: int) -> tuple[int, ...]:
    """Returns real-looking votes; another number gives another mean."""
    random = np.random.default_rng(number)
    centre = random.normal(5.4, 0.8)
    ratings = random.normal(centre, 1.4, size=int(random.integers(80, 300)))
    counts = np.bincount(ratings.round().clip(1, 10).astype(int), minlength=11)
    return tuple(counts[1:].tolist())


def line(
    number: int,
    source_id: str | int,
    counts: Sequence[int],
    tags: tuple[int, int] = (22, 0),
    challenge: int = 1396,
) -> str:
    """Returns a line of AVA.txt."""
    return " ".join(map(str, (number, source_id, *counts, *tags, challenge)))


GOOD = line(1, 953619, (0, 1, 5, 17, 38, 36, 15, 6, 5, 1), (1, 22))
"""A row that has everything."""


def write_table(root: Path, lines: Sequence[str]) -> Path:
    """Writes AVA.txt; returns its path."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "AVA.txt").write_text("\n".join(lines) + "\n")
    return root / "AVA.txt"


def write_list(root: Path, name: str, ids: Sequence[str | int]) -> None:
    """Writes a list of aesthetics_image_lists."""
    path = root / "aesthetics_image_lists" / f"{name}.jpgl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{i}\n" for i in ids))


def write_styles(root: Path, train: Mapping[int, int], test: Mapping[int, str]) -> None:
    """Writes the style lists: train has one style a photo, test 14 columns."""
    folder = root / "style_image_lists"
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number} Style_{number}" for number in range(1, 15)]
    (folder / "styles.txt").write_text("\n".join(names) + "\n")
    for name, labels, content in (
        ("train", "train.lab", train),
        ("test", "test.multilab", test),
    ):
        (folder / f"{name}.jpgl").write_text("".join(f"{row}\n" for row in content))
        (folder / labels).write_text("".join(f"{v}\n" for v in content.values()))


def write_photos(folder: Path, ids: Sequence[str | int]) -> None:
    """Writes a small photo for each id."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, source_id in enumerate(ids):
        scene = drawn.draw_scene(number, height=24, width=31 + number % 5)
        (folder / f"{source_id}.jpg").write_bytes(tiny_data.jpeg(scene.pixels))


def package(root: Path, *, count: int = 40, test: int = 10) -> tuple[Path, Path]:
    """Writes a whole package; returns AVA.txt and the photos' folder.

    Ids are 1, 2, ...; every fourth of the first is in generic_test.
    """
    ids = list(range(1, count + 1))
    lines = [line(n, i, votes(i)) for n, i in enumerate(ids, start=1)]
    table = write_table(root, lines)
    write_list(root, "generic_test", ids[::4][:test])
    write_list(root, "portrait_train", ids[1:8])
    (root / "tags.txt").write_text("22 Abstract\n7 Black and White, or (so)\n")
    (root / "challenges.txt").write_text("1396 One_Of_Many\n")
    write_styles(root, {2: 3, 3: 14}, {5: "0 1" + " 0" * 11 + " 1", 6: " 0" * 14})
    write_photos(root / "images", ids)
    return table, root / "images"
