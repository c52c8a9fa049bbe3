"""A night's models: opened, checked, described."""

from collections.abc import Sequence
from dataclasses import dataclass

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.scoring import gpus
from fcn_core.scoring.arithmetic import Arithmetic, resolve_arithmetic
from pipelines import files
from pipelines.faults import UsageError
from pipelines.lanes.models import fetched


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


def chosen_arithmetic(
    engine: str, precision: str, instruction_set: str, *, device: str = "auto"
) -> Arithmetic:
    """Returns what `auto` and the like mean on this machine, or what is named.

    Raises:
        UsageError: This machine cannot do what is asked for.
    """
    try:
        with gpus.only(device):
            chosen = resolve_arithmetic(engine, precision, instruction_set)
    except ModelError as error:
        raise UsageError(str(error)) from error
    if device.isdigit() and not chosen.on_gpu:
        raise UsageError(
            f"--device: got {device} with engine {chosen.engine}, expected the number "
            "of a GPU of this machine, and engine tensorflow; see nvidia-smi, or leave "
            "it out"
        )
    return chosen
