"""A night's models: opened, checked, described."""

from collections.abc import Sequence
from dataclasses import dataclass

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.scoring.arithmetic import Arithmetic, resolve_arithmetic
from pipelines import files
from pipelines.faults import UsageError


@dataclass(frozen=True)
class Model:
    """A model as the plan names it."""

    name: str
    card: ModelCard


def open_models(names: Sequence[str]) -> tuple[Model, ...]:
    """Reads the cards of the named models; loads no weights.

    Raises:
        UsageError: A name is no model, or two models have one task.
    """
    try:
        models = []
        for name in names:
            bundle = scoring.find_bundle(name)
            named = name if name in scoring.built_in_names() else files.to_uri(bundle)
            models.append(Model(named, ModelCard.read(bundle)))
    except ModelError as error:
        raise UsageError(f"--model: {error}") from error
    by_task: dict[str, list[str]] = {}
    for model in models:
        for part in model.card.parts:
            by_task.setdefault(part.task, []).append(model.name)
    for task, sharing in by_task.items():
        if len(sharing) > 1:
            both = " and ".join(sharing)
            raise UsageError(
                f"--model: got {both}, expected one {task} model; leave one out"
            )
    return tuple(models)


def chosen_arithmetic(engine: str, precision: str) -> Arithmetic:
    """Returns what `auto` and the like mean on this machine.

    Raises:
        UsageError: This machine cannot do what is asked for.
    """
    try:
        return resolve_arithmetic(engine, precision)
    except ModelError as error:
        raise UsageError(str(error)) from error
