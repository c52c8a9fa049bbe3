"""Whether a model answers what a data set asks: the task, the classes, the ratings."""

from collections.abc import Sequence

from fcn_core.bundles.card import ModelCard
from fcn_core.labels import RATING_TASKS
from pipelines.evaluate.table import Measurable
from pipelines.faults import UsageError


def matching_part(card: ModelCard, data: Measurable) -> ModelCard:
    """Returns the card of the model's output that the data set has targets for.

    Raises:
        UsageError: It has none, or one on another scale.
    """
    task = data.info.task
    fitting = RATING_TASKS if task == "aesthetics" else (task,)
    part = next((part for part in card.parts if part.task in fitting), None)
    if part is None:
        raise UsageError(
            f"--model: got {card.label}, a model for {card.task}, expected one for "
            f"{task} as {data.uri} is for; see fcn models list"
        )
    if task == "aesthetics":
        _check_scale(part, data)
    return part


def _check_scale(part: ModelCard, data: Measurable) -> None:
    """Compares the bins; the evaluation reports records that are damaged."""
    votes, bins = data.count_bins(), part.rating_bins or []
    if votes and bins != [float(rating) for rating in range(1, votes + 1)]:
        raise UsageError(
            f"--model: got {part.label} with ratings {bins[0]:g} to {bins[-1]:g} in "
            f"{len(bins)} bins, expected 1 to {votes} as the votes of {data.uri} "
            "are; train on that scale"
        )


def class_ids(card: ModelCard, names: Sequence[str]) -> tuple[int, ...]:
    """Returns the data set's class id for each class of a model, by their names.

    Args:
        card: Of the model.
        names: The data set's classes, by id.

    Raises:
        UsageError: One of them has a class that the other has not.
    """
    mine = card.classes or []
    strange = [name for name in mine if name not in names]
    missing = [name for name in names if name not in mine]
    if strange or missing:
        raise UsageError(
            f"--model: got {card.label} with {len(mine)} classes, expected the data "
            f"set's {len(names)} by name: the data lacks {_few(strange)}, the model "
            f"lacks {_few(missing)}; convert with a --label_map of the same names"
        )
    return tuple(list(names).index(name) for name in mine)


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) or "none"
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
