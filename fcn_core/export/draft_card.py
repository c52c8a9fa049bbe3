"""The card of a model that is not exported yet."""

from collections.abc import Sequence

from fcn_core.bundles.card import ModelCard, RatingsHead
from fcn_core.models.spec import RATING_STRIDE, ModelSpec


def draft_card(
    spec: ModelSpec,
    *,
    name: str,
    classes: Sequence[str] | None,
    padding_value: tuple[int, int, int],
    max_side: int | None,
    enlarge: float = 1.0,
    nearest_pixels: int | None = None,
    technical: bool = False,
) -> ModelCard:
    """Returns a card that says how to feed a model; its history comes at export.

    The arguments are those of `ModelCard`; `classes` is None for ratings, `technical`
    says that those are of technical quality, not of how people like a photo.
    """
    return ModelCard(
        name=name,
        version="0",
        task="technical" if technical else spec.task,
        classes=list(classes) if spec.task == "segmentation" and classes else None,
        rating_bins=list(spec.rating_bins) if spec.task == "aesthetics" else None,
        logits_stride=spec.logits_stride,
        size_multiple=spec.size_multiple,
        alignment=spec.alignment,
        padding_value=padding_value,
        max_side=max_side,
        enlarge=enlarge,
        nearest_pixels=nearest_pixels,
        minimum_side=spec.minimum_side,
        pooling=spec.pooling,
        ratings=_ratings_head(spec),
        origin="",
        licence="",
    )


def _ratings_head(spec: ModelSpec) -> RatingsHead | None:
    if not spec.rating_classes:
        return None
    return RatingsHead(
        rating_bins=list(spec.rating_bins),
        logits_stride=RATING_STRIDE,
        pooling=spec.pooling,
    )
