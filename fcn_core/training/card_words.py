"""Sentences of a trained model's card, written from what its run recorded."""

import shlex
from collections.abc import Sequence
from typing import Any, Final

from fcn_core.bundles.card import Metric
from fcn_core.labels import VOC_CLASSES
from fcn_core.training.config import TrainingConfig
from fcn_core.training.initial_weights import flag_of, started_from
from fcn_core.training.run_record import Origin, RunRecord

_NOT_REPEATED: Final = (
    *("task", "output", "resume", "threads", "devices"),
    *("recipe", "data", "init", "seed", "evaluation_split"),
)
"""Settings of a machine or of one session, and those that are always in the command."""

_NAMED: Final = 12
"""Most classes that are listed by name."""

_WEAKEST: Final = 5
"""Most classes that are called the weakest."""


def origin(record: RunRecord) -> Origin:
    """Returns where every weight of a run's model comes from, and their licence."""
    settings, before = record.settings, record.origin
    if not before.words:
        words = "Every weight: its own training, from random ones."
        return Origin(words, before.licence)
    new = list(record.new_layers)
    stages = settings.numbers.get("stages", [])
    if stages and stages[0]["model"] not in ("", settings.spec.name):
        new.append("the skips of its later stages")
    start = started_from(settings.init, before)
    words = f"Started from {start}. New in its training: {', '.join(new) or 'nothing'}."
    return Origin(words, before.licence)


def notes(
    caveats: str, classes: Sequence[str] | None, metrics: Sequence[Metric]
) -> str:
    """Returns what a user must know, weaknesses as they were measured.

    Args:
        caveats: The recipe's notes.
        classes: Names by id; None for ratings.
        metrics: Of the card.
    """
    return " ".join(filter(None, (_finds(classes or ()), _weakest(metrics), caveats)))


def _finds(classes: Sequence[str]) -> str:
    if not classes:
        return ""
    if list(classes) == list(VOC_CLASSES):
        return (
            "Finds the 20 object classes of Pascal VOC; everything else is background."
        )
    if len(classes) > _NAMED:
        return f"Finds {len(classes)} classes."
    return f"Finds {len(classes)} classes: {', '.join(classes)}."


def _weakest(metrics: Sequence[Metric]) -> str:
    """Names the quarter of the classes that has the lowest IoU."""
    known = [metric for metric in metrics if metric.name.startswith("iou_")]
    if len(known) < 2:
        return ""
    worst = sorted(known, key=lambda metric: metric.value)
    worst = worst[: max(1, min(_WEAKEST, len(known) // 4))]
    named = (f"{m.name.removeprefix('iou_')} {m.value:.3f}" for m in worst)
    where = f"{worst[0].split}, {worst[0].images} photos"
    return f"Weakest classes (IoU on {where}): {', '.join(named)}."


def command(record: RunRecord) -> str:
    """Returns the command that repeats a run; the reader's own folders in capitals."""
    config = record.config
    flags: dict[str, object] = {
        "recipe": config.recipe,
        "data": "DATA",
        "init": flag_of(record.settings.init, config.init or ""),
        "seed": config.seed,
    }
    measured_on = record.evaluation.split or "none"
    if measured_on != TrainingConfig.model_fields["evaluation_split"].default:
        flags["evaluation_split"] = measured_on
    for name, field in TrainingConfig.model_fields.items():
        value = getattr(config, name)
        if name not in _NOT_REPEATED and value != field.default:
            flags[name] = value
    given = [f"--{flag} {_quote(value)}" for flag, value in flags.items()]
    return (
        f"fcn train {config.task} {' '.join(given)} --output RUN && "
        "fcn export --model RUN --output BUNDLE"
    )


def _quote(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return " ".join(shlex.quote(str(item)) for item in values)
