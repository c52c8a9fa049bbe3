"""A model ready to score: its card, its engine, and what follows from its logits.

Loading this module, and scoring with the openvino engine, loads neither TensorFlow nor
Keras.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.find import find_bundle
from fcn_core.bundles.seal import verify
from fcn_core.geometry import valid_cells
from fcn_core.scoring import engines, tiling
from fcn_core.scoring.arithmetic import Arithmetic, resolve_arithmetic
from fcn_core.scoring.precisions import resolve_precisions

SIDE_ROUNDING: Final = 128
"""Padded sides are multiples of this: few shapes to compile, little padding."""

Outputs = dict[str, NDArray[Any]]
"""Name -> values: see `Scorer.score`."""


class Scorer(Protocol):
    """A model ready to score.

    Attributes:
        card: What the model is and how to feed it.
        arithmetic: What computes it.
    """

    card: ModelCard
    arithmetic: Arithmetic

    def score(self, batch: NDArray[np.uint8], sizes: NDArray[np.int32]) -> Outputs:
        """Scores uint8 RGB `[B, H, W, 3]`, padded, with valid height, width `[B, 2]`.

        Returns:
            For segmentation `logits` float32 `[B, H/s, W/s, C]`, or, from a model made
            elsewhere, `class_map` uint8 `[B, H, W]`. For ratings `ratings` float32
            `[B, R]` that sum to 1, `mean` and `std` float32 `[B]` in units of the bins.
        """
        ...


class LogitsScorer:
    """Scores with the network alone; pooling and upsampling happen on the host."""

    def __init__(
        self, card: ModelCard, engine: engines.Engine, arithmetic: Arithmetic
    ) -> None:
        self.card = card
        self.arithmetic = arithmetic
        self._engine = engine

    def score(self, batch: NDArray[np.uint8], sizes: NDArray[np.int32]) -> Outputs:
        """See `Scorer.score`."""
        computed = run_network(self._engine, batch, self.card)
        return outputs_of(computed, sizes, self.card, padded=batch.shape[1:3])


def outputs_of(
    computed: Sequence[NDArray[np.float32]],
    sizes: NDArray[np.int32],
    card: ModelCard,
    *,
    padded: tuple[int, int],
) -> Outputs:
    """Returns what follows from the logits of a network.

    Args:
        computed: As `run_network` returns them.
        sizes: Valid height and width in pixels, `[B, 2]`.
        card: Of the model.
        padded: Height and width of the images that it saw.

    Raises:
        ModelError: The logits have another shape than the card promises.
    """
    outputs: Outputs = {}
    for part, logits in zip(card.parts, computed, strict=True):
        check_shape(logits, part, padded=padded)
        if part.task == "segmentation":
            outputs["logits"] = logits
        else:
            outputs |= rate(logits, sizes, card=part)
    return outputs


def side_multiple(card: ModelCard) -> int:
    """Returns what the sides of padded photos are multiples of, in pixels.

    Photos of one area have few shapes, and padding would cost much of it.
    """
    if card.nearest_pixels is not None:
        return card.size_multiple
    return math.lcm(SIDE_ROUNDING, card.size_multiple)


def tiles_of(card: ModelCard, tile: int | None) -> tiling.Tiles | None:
    """Returns how a model's photos are cut into tiles; None: they are not.

    Args:
        card: Of the model.
        tile: As for `load_scorer`.
    """
    if tile is None:
        return None
    return tiling.Tiles(
        tile=tile,
        multiple=side_multiple(card),
        minimum=card.minimum_side,
        # What a network samples must lie where it lies in the whole photo.
        starts=math.lcm(tiling.DEEPEST_STRIDE, card.size_multiple),
    )


def run_network(
    engine: engines.Engine, batch: NDArray[np.uint8], card: ModelCard
) -> Sequence[NDArray[np.float32]]:
    """Returns the logits of each part of a card, float32 `[B, H/s, W/s, C]`."""
    if len(card.parts) == 1:
        return (engine.logits(batch),)
    return engine.both_logits(batch)


def logits_shape(card: ModelCard, padded: tuple[int, int]) -> tuple[int, int, int]:
    """Returns the shape of a photo's logits, for one part of a card."""
    height, width = padded
    stride = card.logits_stride
    return height // stride, width // stride, card.num_classes


def check_shape(
    logits: NDArray[Any], card: ModelCard, *, padded: tuple[int, int]
) -> None:
    """Checks the logits `[B, h, w, C]` of one part of a card.

    Raises:
        ModelError: They have another shape than the card promises.
    """
    expected = (len(logits), *logits_shape(card, padded))
    if logits.shape != expected:
        raise ModelError(
            f"{card.label} returned logits {logits.shape} for images of "
            f"{padded[0]}x{padded[1]}, expected {expected} as its card promises; "
            "export it again"
        )


def rate(
    logits: NDArray[np.float32], sizes: NDArray[np.int32], *, card: ModelCard
) -> Outputs:
    """Pools the cells that lie on the photo, then takes the softmax.

    Args:
        logits: float32 `[B, h, w, R]`.
        sizes: Valid height and width in pixels, `[B, 2]`.
        card: Stride, alignment, pooling and bins.

    Returns:
        `ratings` float32 `[B, R]` that sum to 1, `mean` and `std` float32 `[B]`.
    """
    cells = valid_cells(
        np.asarray(sizes), stride=card.logits_stride, alignment=card.alignment
    )
    valid = [
        photo[:rows, :columns].reshape(-1, photo.shape[-1])
        for photo, (rows, columns) in zip(logits, cells, strict=True)
    ]
    if card.pooling == "max":
        pooled = np.stack([photo.max(0).astype(np.float64) for photo in valid])
    else:
        pooled = np.stack([photo.mean(0, dtype=np.float64) for photo in valid])
    shares = np.exp(pooled - pooled.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return with_moments(shares, card=card)


def with_moments(shares: NDArray[np.float64], *, card: ModelCard) -> Outputs:
    """Returns ratings `[B, R]` that sum to 1 with their `mean` and `std` `[B]`."""
    bins = np.array(card.rating_bins)
    mean = shares @ bins
    std = np.sqrt((shares * (bins - mean[:, None]) ** 2).sum(-1))
    return {
        "ratings": shares.astype(np.float32),
        "mean": mean.astype(np.float32),
        "std": std.astype(np.float32),
    }


class SignatureScorer:
    """Scores a SavedModel made elsewhere through its `serving_default`."""

    def __init__(
        self,
        card: ModelCard,
        engine: engines.TensorFlowEngine,
        arithmetic: Arithmetic,
    ) -> None:
        self.card = card
        self.arithmetic = arithmetic
        self._engine = engine

    def score(self, batch: NDArray[np.uint8], sizes: NDArray[np.int32]) -> Outputs:
        """See `Scorer.score`."""
        outputs = self._engine.serve(batch, np.asarray(sizes, np.int32))
        names = {
            "segmentation": ("class_map",),
            "aesthetics": ("ratings", "mean", "std"),
            "technical": ("ratings", "mean", "std"),
        }
        wanted = [name for card in self.card.parts for name in names[card.task]]
        missing = [name for name in wanted if name not in outputs]
        if missing:
            raise ModelError(
                f"serving_default of {self.card.label} returned {sorted(outputs)},"
                f" without {missing}; export it with `fcn export`"
            )
        return {name: outputs[name] for name in wanted}


def load_scorer(
    name_or_path: str,
    engine: str = "auto",
    precision: str = "auto",
    *,
    threads: int = 1,
    tile: int | None = None,
) -> Scorer:
    """Opens a model after checking that its files are those of its card.

    Args:
        name_or_path: Built-in name or bundle folder.
        engine: "auto", "openvino" or "tensorflow".
        precision: "auto", "f32", "bf16" or "int8", whatever that costs.
        threads: Of the engine, inside a photo.
        tile: Longest side in pixels that the engine sees at once; larger photos are run
            in tiles. None: every photo in one piece.

    Raises:
        ModelError: The model cannot be used here; the message names the cure.
    """
    bundle = find_bundle(name_or_path)
    card = ModelCard.read(bundle)
    verify(card, bundle)
    if precision == "auto":
        (arithmetic,) = resolve_precisions([card], engine)
    else:
        arithmetic = resolve_arithmetic(engine, precision)
    opened = engines.open_engine(bundle, arithmetic, threads=threads)
    if isinstance(opened, engines.TensorFlowEngine) and not opened.has_logits:
        if tile is not None:
            raise ModelError(
                f"{card.label} has no signature logits, expected one to score in tiles;"
                " export it with `fcn export`, or score without --tile"
            )
        return SignatureScorer(card, opened, arithmetic)
    tiles = tiles_of(card, tile)
    if tiles is not None:
        opened = tiling.TiledEngine(opened, tiles)
    return LogitsScorer(card, opened, arithmetic)
