"""A finished run -> a bundle: its records become the model's card."""

import math
from pathlib import Path

from pydantic import JsonValue

import fcn_core
from fcn_core.bundles.card import Metric, ModelCard, ModelError
from fcn_core.export import bundle, draft_card
from fcn_core.models.imported.layouts import TrainedNetwork
from fcn_core.recipes import find_recipe
from fcn_core.training import card_words
from fcn_core.training.run_folder import RECORD_NAME, RunFolder, load_run
from fcn_core.training.run_record import RunRecord


def export_run(
    run_dir: Path, output: Path, *, name: str | None = None, version: str = "1"
) -> ModelCard:
    """Exports the chosen model of a finished run.

    Args:
        run_dir: The output of `fcn train`.
        output: Folder of the bundle, new or empty.
        name: Of the model; its recipe's if not given.
        version: Of the model.

    Returns:
        The card as written.

    Raises:
        RunError: There is no finished run.
        ModelError: Its network cannot be exported, or the output folder is taken.
    """
    if refused := not_exported(run_dir):
        raise ModelError(
            f"{run_dir}: got a run of {refused}, expected a network for photos of any "
            f"size; its figures are in {RECORD_NAME}, to score photos train another "
            "recipe"
        )
    model, _, record = load_run(run_dir)
    card = make_card(record, name=name, version=version)
    photos = RunFolder.open(run_dir).photos()
    return bundle.export(model, output, card, photos=photos)


def not_exported(run_dir: Path) -> str:
    """Returns a run's recipe and why it has no bundle; empty: it can be exported.

    Raises:
        RunError: There is no run.
    """
    settings = RunFolder.open(run_dir).record.settings
    why = settings.spec.not_exported
    return f"{settings.recipe}, which {why}" if why else ""


def export_trained(
    trained: TrainedNetwork,
    output: Path,
    *,
    source: str,
    name: str,
    version: str = "1",
    max_side: int | None = None,
    technical: bool = False,
) -> ModelCard:
    """Exports a network that others trained.

    Args:
        trained: The network and its weights.
        output: Folder of the bundle, new or empty.
        source: Name of the file it came from, for messages and the card.
        name: Of the model.
        version: Of the model.
        max_side: Working size in pixels; the layout's own if None.
        technical: Whether its ratings are of technical quality.

    Raises:
        WeightsError: A tensor is left over, missing, or has another shape.
        ModelError: The output folder is taken.
    """
    model = trained.build(source)
    draft = draft_card.draft_card(
        trained.spec,
        name=name,
        classes=trained.classes,
        padding_value=trained.padding_value,
        max_side=max_side or trained.max_side,
        nearest_pixels=trained.nearest_pixels,
        technical=technical,
    )
    card = draft.model_copy(
        update={
            "version": version,
            "origin": f"{trained.origin}; imported from {source}",
            "licence": trained.licence,
            "notes": trained.notes,
            "training": {"layout": trained.layout, "model": trained.spec.to_json()},
            "versions": {"fcn_core": fcn_core.__version__},
        }
    )
    return bundle.export(model, output, card)


def make_card(record: RunRecord, *, name: str | None, version: str) -> ModelCard:
    """Returns the card of a finished run.

    Args:
        record: The content of its `run.json`.
        name: Of the model; its recipe's if None.
        version: Of the model.
    """
    settings = record.settings
    red, green, blue = settings.numbers["padding_value"]
    draft = draft_card.draft_card(
        settings.spec,
        name=name or settings.recipe,
        classes=settings.classes,
        padding_value=(red, green, blue),
        max_side=settings.numbers["max_side"],
        enlarge=settings.numbers["enlarge"],
        nearest_pixels=settings.numbers["nearest_pixels"],
        technical=find_recipe(settings.recipe).is_technical,
    )
    origin, metrics = card_words.origin(record), _metrics(record)
    notes = find_recipe(settings.recipe).notes
    return draft.model_copy(
        update={
            "version": version,
            "origin": origin.words,
            "licence": origin.licence,
            "notes": card_words.notes(notes, draft.classes, metrics),
            "training": _training(record),
            "metrics": metrics,
            "versions": record.versions | {"fcn_core": fcn_core.__version__},
        }
    )


def _training(record: RunRecord) -> dict[str, JsonValue]:
    """Returns what a card says of the training."""
    settings = record.settings
    return {
        "recipe": settings.recipe,
        "command": card_words.command(record),
        "init": settings.init,
        "data": settings.data,
        "data_split": settings.train_split,
        "data_fingerprint": settings.data_fingerprint,
        "seed": settings.seed,
        "epochs": record.epochs_done,
        "chosen_epoch": record.chosen_epoch,
        "seconds": round(record.seconds, 1),
        "numbers": settings.numbers,
        "model": settings.spec.to_json(),
    }


def _metrics(record: RunRecord) -> list[Metric]:
    settings, measured = record.settings, record.evaluation
    return [
        Metric(
            name=name,
            value=value,
            data=f"{settings.data} {settings.data_fingerprint[:12]}",
            split=measured.split or "",
            images=measured.images,
        )
        for name, value in record.metrics.items()
        if math.isfinite(value)
    ]
