"""A night's models: opened, checked, described."""

from collections.abc import Sequence
from dataclasses import dataclass

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.scoring import gpus
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.precisions import resolve_precisions
from pipelines import files
from pipelines.faults import UsageError
from pipelines.lanes.models import fetched
from pipelines.score.config import ScoreConfig


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
    models, by_task = list[Model](), dict[str, list[str]]()
    for name in names:
        try:
            bundle = scoring.find_bundle(fetched(name))
            card = ModelCard.read(bundle)
        except ModelError as error:
            raise UsageError(f"--model: {error}") from error
        is_built_in = name in scoring.built_in_names()
        models.append(
            Model(
                name
                if is_built_in
                else files.to_uri(name if "://" in name else bundle),
                card,
            )
        )
        for part in card.parts:
            by_task.setdefault(part.task, []).append(models[-1].name)
    for task, sharing in by_task.items():
        if len(sharing) > 1:
            got = " and ".join(sharing)
            raise UsageError(
                f"--model: got {got}, expected one {task} model; leave one out"
            )
    return tuple(models)


def chosen_arithmetics(
    models: Sequence[Model], config: ScoreConfig
) -> tuple[Arithmetic, ...]:
    """Returns what computes each model: what is named, or `auto` on this machine.

    Raises:
        UsageError: This machine or a model cannot do what is asked for.
    """
    try:
        with gpus.only(config.device):
            chosen = resolve_precisions(
                [model.card for model in models],
                config.engine,
                config.precision,
                instruction_set=config.instruction_set,
            )
    except ModelError as error:
        raise UsageError(str(error)) from error
    device = config.device
    if device.isdigit() and not any(each.on_gpu for each in chosen):
        raise UsageError(
            f"--device: got {device} with engine {chosen[0].engine}, expected the "
            "number of a GPU of this machine, and engine tensorflow; see nvidia-smi, "
            "or leave it out"
        )
    return chosen
