"""Scores a photo: from its bytes to the values of its row and its mask.

This is the reference: a night of scoring gives exactly its results. Scoring with the
openvino engine loads neither TensorFlow nor Keras.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.canonical import content_sha256
from fcn_core.labels import RATING_TASKS, Task, Views
from fcn_core.scoring import class_maps
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.feed import WHOLE, FedPhoto, feed_of
from fcn_core.scoring.gpu_engine import PROGRAM_VERSION
from fcn_core.scoring.scorers import SIDE_ROUNDING, Outputs, Scorer, with_moments


def row_fingerprint(
    cards: Sequence[ModelCard],
    arithmetic: Arithmetic | Sequence[Arithmetic],
    *,
    max_side: int | None,
    tile: int | None = None,
    views: Views = WHOLE,
) -> str:
    """Returns the sha256 in hex of all that decides a row's values besides the photo.

    Args:
        cards: Of the models, in any order.
        arithmetic: What computes them, each alike or in their order.
        max_side: Overrides the working size of the cards; None: it does not.
        tile: As for `load_scorer`.
        views: As for `PhotoScorer`.
    """
    if isinstance(arithmetic, Arithmetic):
        arithmetic = [arithmetic] * len(cards)
    pairs = [
        (card.fingerprint_in(each.precision), asdict(each))
        for card, each in zip(cards, arithmetic, strict=True)
    ]
    computed = sorted(pairs, key=lambda pair: pair[0])
    shared = len(set(arithmetic)) == 1
    content: dict[str, object] = {
        "models": [fingerprint for fingerprint, _ in computed],
        "arithmetic": computed[0][1] if shared else [each for _, each in computed],
        "decode_policy": images.DECODE_POLICY,
        "side_rounding": SIDE_ROUNDING,
        "max_side": max_side,
    }
    if any(each.on_gpu for each in arithmetic):
        content["gpu_program"] = PROGRAM_VERSION
    if tile is not None:
        content["tile"] = tile
    if views != WHOLE:
        content["views"] = views
    return content_sha256(content)


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """The results of one photo.

    Attributes:
        sha256: Of the photo's bytes, hex.
        height: Of the upright original, pixels.
        width: Of the upright original, pixels.
        class_pixels: Pixels of each class at the original size, by class id.
        dominant_class: The class with most pixels; background only if it is alone.
        aesthetics_ratings: One share for each rating bin; they sum to 1.
        aesthetics_mean: Mean rating.
        aesthetics_std: Standard deviation of the ratings.
        technical_ratings: As `aesthetics_ratings`, of a model of technical quality.
        technical_mean: Likewise.
        technical_std: Likewise.
        mask_png: Palette PNG of the class map at the original size.
        mask_sha256: Of `mask_png`, hex.
    """

    sha256: str
    height: int
    width: int
    class_pixels: tuple[int, ...] | None = None
    dominant_class: int | None = None
    aesthetics_ratings: tuple[float, ...] | None = None
    aesthetics_mean: float | None = None
    aesthetics_std: float | None = None
    technical_ratings: tuple[float, ...] | None = None
    technical_mean: float | None = None
    technical_std: float | None = None
    mask_png: bytes | None = None
    mask_sha256: str | None = None


class _Values(TypedDict, total=False):
    """What a task adds to a `PhotoScore`."""

    class_pixels: tuple[int, ...]
    dominant_class: int
    aesthetics_ratings: tuple[float, ...]
    aesthetics_mean: float
    aesthetics_std: float
    technical_ratings: tuple[float, ...]
    technical_mean: float
    technical_std: float
    mask_png: bytes
    mask_sha256: str


class PhotoScorer:
    """Scores photo by photo with at most one model a task.

    Args:
        scorers: The models.
        max_side: Overrides the working size of every model's card.
        masks: Whether to encode masks.
        views: How models that sample photos to one area see them, see `feed.Views`.
    """

    def __init__(
        self,
        scorers: Sequence[Scorer],
        *,
        max_side: int | None = None,
        masks: bool = True,
        views: Views = WHOLE,
    ) -> None:
        check_tasks([scorer.card for scorer in scorers])
        self._masks = masks
        self._feeds = [
            (scorer, feed_of(scorer.card, max_side, shown=views)) for scorer in scorers
        ]

    def score_photo(self, data: bytes) -> PhotoScore:
        """Scores the photo that `data` encodes, the same every time.

        Raises:
            images.BadImage: This photo cannot be scored, with a reason.
            ModelError: The model is at fault, so no photo can.
        """
        photo = FedPhoto(data)
        score = PhotoScore(photo.sha256, 0, 0)
        for scorer, feed in self._feeds:
            fed = photo.feed(feed)
            score = replace(score, height=photo.height, width=photo.width)
            outputs = scorer.score(fed.batch, fed.sizes)
            score = with_outputs(
                score,
                outputs,
                scorer.card,
                placement=fed.placement,
                masks=self._masks,
            )
        return score


def check_tasks(cards: Sequence[ModelCard]) -> None:
    """Raises ModelError unless there are models, and one a task at most."""
    tasks = [part.task for card in cards for part in card.parts]
    if not tasks or len(set(tasks)) != len(tasks):
        raise ModelError(
            f"got models for the tasks {tasks}, expected one model for each task;"
            " leave one out"
        )


def with_outputs(
    score: PhotoScore,
    outputs: Outputs,
    card: ModelCard,
    *,
    placement: geometry.Placement,
    masks: bool,
) -> PhotoScore:
    """Returns a score with what follows from the outputs of one model.

    Args:
        score: Of the models before.
        outputs: Of `Scorer.score` for this photo alone.
        card: Of the model.
        placement: Where the photo lay in the model's input.
        masks: Whether to encode a mask.

    Raises:
        images.BadImage: The outputs are not finite.
        ModelError: They are not what the card promises.
    """
    _check_finite(outputs)
    if card.nearest_pixels is not None and len(outputs["ratings"]) > 1:
        outputs = _averaged(outputs, card)
    if card.task == "segmentation":
        found = _segment(outputs, card, placement=placement, masks=masks)
        score = replace(score, **found)
    for part in card.parts:
        if part.task in RATING_TASKS:
            score = replace(score, **_rating_values(outputs, part.task))
    return score


def _segment(
    outputs: Outputs, card: ModelCard, *, placement: geometry.Placement, masks: bool
) -> _Values:
    if "logits" in outputs:
        class_map = class_maps.class_map(
            outputs["logits"][0],
            placement,
            stride=card.logits_stride,
            alignment=card.alignment,
        )
    else:
        class_map = _at_original_size(outputs["class_map"][0], placement)
    found = images.count_values(class_map)
    counts = found[: card.num_classes]
    if found[card.num_classes :].any():
        raise ModelError(
            f"{card.label} returned class {np.flatnonzero(found)[-1]}, expected one"
            f" of the {card.num_classes} classes that its card names; correct its "
            "card"
        )
    values: _Values = {
        "class_pixels": tuple(counts.tolist()),
        "dominant_class": _dominant_class(counts, card),
    }
    if masks:
        png = images.encode_mask(class_map)
        values["mask_png"] = png
        values["mask_sha256"] = hashlib.sha256(png).hexdigest()
    return values


def _averaged(outputs: Outputs, card: ModelCard) -> Outputs:
    """Returns the ratings of a photo whose views have these."""
    mean = outputs["ratings"].mean(0, dtype=np.float64, keepdims=True)
    return with_moments(mean, card=card)


def _check_finite(outputs: Outputs) -> None:
    """Fails the photo, not the night: only freak inputs overflow."""
    for name, value in outputs.items():
        if not np.isfinite(value).all():
            raise images.BadImage(
                "inference-error", f"the model's {name} are not finite", stage="score"
            )


def _at_original_size(
    class_map: NDArray[np.uint8], placement: geometry.Placement
) -> NDArray[np.uint8]:
    """Returns a padded class map as read at each original pixel's centre."""
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


def _dominant_class(counts: NDArray[np.int64], card: ModelCard) -> int:
    """Returns the class with most pixels: ties go to the lowest, background is last."""
    others = counts.copy()
    if card.classes is not None and "background" in card.classes:
        others[card.classes.index("background")] = 0
    return int((others if others.any() else counts).argmax())


def _rating_values(outputs: Outputs, task: Task) -> _Values:
    ratings = tuple(outputs["ratings"][0].tolist())
    mean, std = float(outputs["mean"][0]), float(outputs["std"][0])
    if task == "technical":
        return {
            "technical_ratings": ratings,
            "technical_mean": mean,
            "technical_std": std,
        }
    return {
        "aesthetics_ratings": ratings,
        "aesthetics_mean": mean,
        "aesthetics_std": std,
    }
