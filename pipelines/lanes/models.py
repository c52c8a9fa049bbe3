"""Opens a plan's models in a lane, after checking that they are the planned ones."""

from typing import TYPE_CHECKING

from fcn_core.bundles.card import ModelError
from pipelines.lanes.messages import Header

if TYPE_CHECKING:
    from fcn_core import scoring


def open_models(config: Header) -> "scoring.PhotoScorer":
    """Opens the models of a plan.

    Args:
        config: `models` (name and fingerprint each), `engine`, `precision`,
            `instruction_set`, `max_side`, `masks` (bool), and `tile` where photos are
            tiled, all as the plan froze them.

    Raises:
        ModelError: A model or the arithmetic is not the planned one.
    """
    from fcn_core import scoring

    scorers = [
        scoring.load_scorer(
            model["name"],
            config["engine"],
            config["precision"],
            tile=config.get("tile"),
        )
        for model in config["models"]
    ]
    for model, scorer in zip(config["models"], scorers, strict=True):
        _check(f"model {model['name']}", scorer.card.fingerprint, model["fingerprint"])
        _check(
            "this CPU's instruction set",
            scorer.arithmetic.instruction_set,
            config["instruction_set"],
        )
    return scoring.PhotoScorer(
        scorers, max_side=config["max_side"], masks=config["masks"]
    )


def _check(what: str, got: str, expected: str) -> None:
    if got != expected:
        raise ModelError(
            f"{what} is {got[:16]}, expected {expected[:16]} as in the plan; one night "
            "has one arithmetic: finish it where it began, or discard it"
        )
