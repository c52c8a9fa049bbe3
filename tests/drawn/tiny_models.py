"""Tiny networks and photos for tests, drawn in code.

The networks have the real ones' interface (RGB 0..255 in, logits at stride 8 out) and
random weights; nothing here imports Keras before a network is asked for.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bundles.card import ModelCard

CLASSES = ["background", "cat", "dog", "person", "sheep"]
BINS = [1.0, 2.0, 3.0, 4.0, 5.0]
STRIDE = 8


def draw_network(*, seed: int = 0, width: int = 8, channels: int = 5) -> Any:
    """Returns a Keras model: three convolutions of stride 2, batch norm, scores."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    spread = keras.initializers.RandomNormal(stddev=1.0)
    images = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    for _ in range(3):
        x = layers.ZeroPadding2D(1)(x)
        x = layers.Conv2D(width, 3, strides=2, activation="relu")(x)
        x = layers.BatchNormalization()(x)
    scores = layers.Conv2D(channels, 1, kernel_initializer=spread)(x)
    return keras.Model(images, scores)


def draw_card(task: str = "segmentation", **changes: Any) -> ModelCard:
    """Returns a card that fits `draw_network`."""
    fields: dict[str, Any] = {
        "name": f"tiny-{task}",
        "version": "1",
        "task": task,
        "classes": CLASSES if task == "segmentation" else None,
        "rating_bins": BINS if task != "segmentation" else None,
        "logits_stride": STRIDE,
        "size_multiple": 16,
        "alignment": "corner",
        "padding_value": (124, 116, 104),
        "origin": "random weights drawn by a test",
        "licence": "Apache-2.0",
    }
    return ModelCard(**(fields | changes))


def write_bundle(
    folder: Path, task: str = "segmentation", *, seed: int = 0, **changes: Any
) -> ModelCard:
    """Exports a drawn network; keywords change its card."""
    from fcn_core.export import bundle

    return bundle.export(draw_network(seed=seed), folder, draw_card(task, **changes))


def draw_pixels(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Returns uint8 RGB `[height, width, 3]`: smooth colours with some grain."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = rng.integers(-8, 9, (height, width, 3))
    return np.clip(np.asarray(smooth) + grain, 0, 255).astype(np.uint8)


def encode(pixels: NDArray[np.uint8], kind: str = "JPEG") -> bytes:
    """Returns pixels as an image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def draw_photo(
    height: int = 75, width: int = 101, *, seed: int = 0, kind: str = "JPEG"
) -> bytes:
    """Returns an encoded drawn photo."""
    return encode(draw_pixels(height, width, seed=seed), kind)
