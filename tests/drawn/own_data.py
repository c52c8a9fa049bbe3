"""A user's own data, drawn: photos in sub-folders, masks of numbers and of colours."""

import json
from pathlib import Path

import numpy as np

from fcn_core.datasets.pascal import drawn
from tests.drawn import tiny_data

COLOURS = {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 0, 142), 9: (255, 255, 255)}
LABEL_MAP = {
    "classes": ["ground", "road", "car"],
    "void": 9,
    "colours": {
        "ground": "#000000",
        "road": "#ff0000",
        "car": [0, 0, 142],
        "void": "#ffffff",
    },
}
NAMES = [f"trip {n // 3}/photo{n}" for n in range(9)]


def class_map(number: int) -> np.ndarray:
    random = np.random.default_rng(number)
    small = random.choice([0, 1, 2, 9], (6, 8)).astype(np.uint8)
    return np.kron(small, np.ones((5, 5), np.uint8))


def write_data(tmp_path: Path) -> Path:
    """Photos in sub-folders, index masks, colour masks and a label map."""
    for number, name in enumerate(NAMES):
        scene = drawn.draw_scene(number, height=30, width=40)
        labels = class_map(number)
        rgb = np.zeros((30, 40, 3), np.uint8)
        for value, colour in COLOURS.items():
            rgb[labels == value] = colour
        for path, content in (
            (f"photos/{name}.jpg", tiny_data.jpeg(scene.pixels)),
            (f"indices/{name}.png", tiny_data.png(labels)),
            (f"colours/{name}.png", tiny_data.png(rgb)),
        ):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
    (tmp_path / "map.json").write_text(json.dumps(LABEL_MAP))
    values = {key: LABEL_MAP[key] for key in ("classes", "void")}
    (tmp_path / "values.json").write_text(json.dumps(values))
    return tmp_path
