"""Checks the int8 form of a bundle: it runs, and answers about as in f32."""

from pathlib import Path
from typing import Final

import numpy as np

from fcn_core import geometry
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.int8_form import Int8Form
from fcn_core.scoring import class_maps
from fcn_core.scoring.feed import Fed
from fcn_core.scoring.finding import Finding
from fcn_core.scoring.precisions import resolve_precisions
from fcn_core.scoring.scorers import Outputs, load_scorer

_USUAL: Final = 0.9
"""Least share of pixels with the class of f32: drawn photos have many borders."""

_USUAL_MEAN: Final = 0.2
"""Largest difference of a mean rating, as a share of the span of the bins."""


def compare(folder: Path, card: ModelCard, photo: Fed) -> Finding:
    """Compares int8 with f32 on a photo, and says what `auto` does here."""
    try:
        f32, int8 = (
            load_scorer(str(folder), "openvino", precision).score(
                photo.batch, photo.sizes
            )
            for precision in ("f32", "int8")
        )
    except ModelError as error:
        return Finding("error", "int8", str(error))
    if not all(np.isfinite(value).all() for value in int8.values()):
        return Finding("error", "int8", "not finite; make it again, or pass f32")
    details, good = [], True
    if "logits" in f32:
        share = _same_classes(f32, int8, card=card, placement=photo.placement)
        details.append(f"{share:.1%} of pixels as in f32")
        good = share >= _USUAL
    if "mean" in f32:
        span = np.ptp(card.parts[-1].rating_bins or (0.0, 1.0))
        difference = float(np.abs(f32["mean"] - int8["mean"]).max())
        details.append(f"the mean differs by {difference:.2f} from f32")
        good &= difference <= _USUAL_MEAN * span
    details += [*_costs(card.int8), _taken(card)]
    return Finding("ok" if good else "warning", "int8", ", ".join(details))


def _same_classes(
    f32: Outputs, int8: Outputs, *, card: ModelCard, placement: geometry.Placement
) -> float:
    first, second = (
        class_maps.class_map(
            outputs["logits"][0],
            placement,
            stride=card.logits_stride,
            alignment=card.alignment,
        )
        for outputs in (f32, int8)
    )
    return float((first == second).mean())


def _costs(form: Int8Form | None) -> list[str]:
    """Returns what the card says that int8 costs."""
    return [
        f"{each.name} {each.f32:.4f} -> {each.int8:.4f}"
        for each in (form.compared if form else ())
    ]


def _taken(card: ModelCard) -> str:
    (auto,) = resolve_precisions([card], "openvino")
    return f"auto takes {auto.precision} here"
