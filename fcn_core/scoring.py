"""The whole middle of one photo: from its bytes to a row's values and its mask.

This is what everything else is compared with: a night of scoring gives exactly its
results. Scoring with the openvino engine loads neither TensorFlow nor Keras.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_core import class_maps, engines, geometry, images
from fcn_core.model_card import ModelCard, ModelError
from fcn_core.scorers import SIDE_ROUNDING as SIDE_ROUNDING
from fcn_core.scorers import Outputs as Outputs
from fcn_core.scorers import Scorer as Scorer
from fcn_core.scorers import built_in_names as built_in_names
from fcn_core.scorers import find_bundle as find_bundle
from fcn_core.scorers import load_scorer as load_scorer
from fcn_core.scorers import with_moments


def row_fingerprint(
    cards: Sequence[ModelCard],
    arithmetic: engines.Arithmetic,
    *,
    max_side: int | None,
    tile: int | None = None,
) -> str:
    """sha256 hex of everything that decides a row's values besides the photo.

    The order of the models does not count; `max_side` is the override, or None; `tile`
    as for `load_scorer`.
    """
    content: dict[str, Any] = {
        "models": sorted(card.fingerprint for card in cards),
        "arithmetic": asdict(arithmetic),
        "decode_policy": images.DECODE_POLICY,
        "side_rounding": SIDE_ROUNDING,
        "max_side": max_side,
    }
    if tile is not None:  # left out otherwise: rows of before tiles keep theirs
        content["tile"] = tile
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """What one photo got.

    Attributes:
      sha256: Of the photo's bytes, hex.
      height: Of the upright original, pixels.
      width: Of the upright original, pixels.
      class_pixels: Pixels of each class at the original size, by class id.
      dominant_class: The class with most pixels; background only where nothing else is.
      ratings: One share for each rating bin; they sum to 1.
      mean: Mean rating.
      std: Standard deviation of the ratings.
      mask_png: Palette PNG of the class map at the original size.
      mask_sha256: Of `mask_png`, hex.
    """

    sha256: str
    height: int
    width: int
    class_pixels: tuple[int, ...] | None = None
    dominant_class: int | None = None
    ratings: tuple[float, ...] | None = None
    mean: float | None = None
    std: float | None = None
    mask_png: bytes | None = None
    mask_sha256: str | None = None


@dataclass(frozen=True)
class _Feed:
    """How a model wants its pixels; models that want the same share them."""

    max_side: int | None
    enlarge: float
    multiple: int
    minimum: int
    padding_value: tuple[int, int, int]


@dataclass(frozen=True)
class _Fed:
    """A photo ready for a network: uint8 `[1, H, W, 3]` and where it lies in it."""

    batch: NDArray[np.uint8]
    placement: geometry.Placement

    @property
    def sizes(self) -> NDArray[np.int32]:
        return np.array([self.placement.fitted], np.int32)


class PhotoScorer:
    """Scores one photo after the other with at most one model a task.

    Args:
      scorers: The models.
      max_side: Overrides the working size of every model's card.
      masks: Whether to encode masks.
    """

    def __init__(
        self,
        scorers: Sequence[Scorer],
        *,
        max_side: int | None = None,
        masks: bool = True,
    ) -> None:
        tasks = [part.task for scorer in scorers for part in scorer.card.parts]
        if not tasks or len(set(tasks)) != len(tasks):
            raise ModelError(
                f"models for the tasks {tasks} were given, expected one model for each"
                " task; leave one out"
            )
        self._masks = masks
        self._feeds = [(scorer, _feed(scorer.card, max_side)) for scorer in scorers]

    def score_photo(self, data: bytes) -> PhotoScore:
        """Scores the photo that `data` encodes, the same every time.

        Raises:
          images.BadImage: This photo cannot be scored, with a reason.
          ModelError: The model is at fault, so no photo can.
        """
        digest = hashlib.sha256(data).hexdigest()
        decoded: dict[int | None, images.DecodedImage] = {}
        fed: dict[_Feed, _Fed] = {}
        values: dict[str, Any] = {}
        for scorer, feed in self._feeds:
            if feed.max_side not in decoded:
                decoded[feed.max_side] = images.decode(data, max_side=feed.max_side)
            image = decoded[feed.max_side]
            values |= {"height": image.height, "width": image.width}
            if feed not in fed:
                fed[feed] = _prepare(image, feed)
            outputs = scorer.score(fed[feed].batch, fed[feed].sizes)
            _check_finite(outputs)
            if scorer.card.task == "segmentation":
                values |= self._segment(outputs, scorer.card, fed[feed].placement)
            if "ratings" in outputs:
                values |= _rating_values(outputs)
        return PhotoScore(sha256=digest, **values)

    def _segment(
        self, outputs: Outputs, card: ModelCard, placement: geometry.Placement
    ) -> dict[str, Any]:
        if "logits" in outputs:
            class_map = class_maps.class_map(
                outputs["logits"][0],
                placement,
                stride=card.logits_stride,
                alignment=card.alignment,
            )
        else:
            class_map = _at_original_size(outputs["class_map"][0], placement)
        counts = np.bincount(class_map.ravel(), minlength=card.num_classes)
        if len(counts) > card.num_classes:
            raise ModelError(
                f"{card.label} returned class {len(counts) - 1}, its card names"
                f" {card.num_classes} classes; correct its card"
            )
        values: dict[str, Any] = {
            "class_pixels": tuple(counts.tolist()),
            "dominant_class": _dominant_class(counts, card),
        }
        if self._masks:
            png = images.encode_mask(class_map)
            values["mask_png"] = png
            values["mask_sha256"] = hashlib.sha256(png).hexdigest()
        return values


def rate_views(
    scorer: Scorer,
    pixels: NDArray[np.uint8],
    views: Sequence[geometry.View],
    *,
    masked: bool = False,
) -> Outputs:
    """Rates a photo by views of it: the mean of the views' ratings.

    Args:
      scorer: An aesthetics model.
      pixels: uint8 `[h, w, 3]` RGB of the whole photo.
      views: From `geometry.views`, all of one canvas.
      masked: Whether cells beside the photo are left out. Its window then lies at the
        top left of the canvas, where the scorer expects it, and not in the middle.

    Returns:
      `ratings` float32 `[1, R]` that sum to 1, `mean` and `std` float32 `[1]`.
    """
    card = scorer.card
    multiple = math.lcm(SIDE_ROUNDING, card.size_multiple)
    batch, sizes = [], []
    for shown in views:
        if masked:
            shown = replace(shown, offset=(0, 0))
        canvas = images.view(pixels, shown, card.padding_value)
        padded = geometry.round_up(shown.canvas, multiple, minimum=card.minimum_side)
        batch.append(images.pad(canvas, padded, card.padding_value))
        sizes.append(shown.window[2:] if masked else shown.canvas)
    outputs = scorer.score(np.stack(batch), np.array(sizes, np.int32))
    mean = outputs["ratings"].mean(0, dtype=np.float64, keepdims=True)
    return with_moments(mean, card=card)


def _feed(card: ModelCard, max_side: int | None) -> _Feed:
    return _Feed(
        max_side=card.max_side if max_side is None else max_side,
        enlarge=card.enlarge,
        multiple=math.lcm(SIDE_ROUNDING, card.size_multiple),
        minimum=card.minimum_side,
        padding_value=card.padding_value,
    )


def _prepare(image: images.DecodedImage, feed: _Feed) -> _Fed:
    """Fits and pads one decoded photo."""
    placement = geometry.place(
        geometry.Size(image.height, image.width),
        max_side=feed.max_side,
        enlarge=feed.enlarge,
        multiple=feed.multiple,
        minimum=feed.minimum,
    )
    fitted = images.resize(image.pixels, placement.fitted)
    padded = images.pad(fitted, placement.padded, feed.padding_value)
    return _Fed(batch=padded[None], placement=placement)


def _check_finite(outputs: Outputs) -> None:
    """Overflow is met on freak inputs only: it fails the photo, not the night."""
    for name, value in outputs.items():
        if not np.isfinite(value).all():
            raise images.BadImage(
                "inference-error", f"the model's {name} are not finite", stage="score"
            )


def _at_original_size(
    class_map: NDArray[np.uint8], placement: geometry.Placement
) -> NDArray[np.uint8]:
    """Crops a padded class map and reads it at each original pixel's centre."""
    original, fitted = placement.original, placement.fitted
    cropped = class_map[: fitted.height, : fitted.width]
    rows, columns = (
        np.clip(
            np.floor(
                geometry.to_fitted(np.arange(of), original=of, fitted=to) + 0.5
            ).astype(np.intp),
            0,
            to - 1,
        )
        for of, to in zip(original, fitted, strict=True)
    )
    return np.ascontiguousarray(cropped[rows][:, columns])


def _dominant_class(counts: NDArray[np.intp], card: ModelCard) -> int:
    """The class with most pixels, of equal ones the lowest; background last."""
    others = counts.copy()
    if card.classes is not None and "background" in card.classes:
        others[card.classes.index("background")] = 0
    return int((others if others.any() else counts).argmax())


def _rating_values(outputs: Outputs) -> dict[str, Any]:
    return {
        "ratings": tuple(outputs["ratings"][0].tolist()),
        "mean": float(outputs["mean"][0]),
        "std": float(outputs["std"][0]),
    }
