"""Which photos a run learns from, and which choose its epoch: checked before it starts.

The evaluation split is neither trained on nor chooses the epoch.
"""

from dataclasses import dataclass, replace

from fcn_core.bundles.photo_list import Photos
from fcn_core.recipes.recipe import Recipe, RecipeError
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.source import Source
from fcn_core.training.config import TrainingConfig
from fcn_core.training.initial_weights import InitialWeights
from fcn_core.training.leaks import check_leaks, learned_photos


@dataclass(frozen=True)
class Splits:
    """The photos of a run.

    Attributes:
        training: To learn from.
        choosing: To choose the epoch with, if any.
        measuring: To measure the final weights on, if any.
        learned: All that the model has seen when the run ends, known photos of its
            initial weights and those held out of the training split among them.
    """

    training: Source
    choosing: Source | None
    measuring: Source | None
    learned: Photos


def splits_of(
    config: TrainingConfig, recipe: Recipe, *, initial: InitialWeights
) -> Splits:
    """Returns the photos of a run.

    Args:
        config: Names the splits.
        recipe: Says which records can be learned from.
        initial: Weights that the run starts from.

    Raises:
        DatasetError: The data folder is not finished, of another schema, has no such
            split, no photo in one, or splits that share photos.
        ModelError: The initial weights' list of photos is damaged.
        RecipeError: The splits contradict each other.
    """
    source = Source(
        folder=config.data,
        split=config.train_split,
        part="training" if config.holdout else "all",
        holdout=config.holdout,
        labelled=recipe.task == "aesthetics" and recipe.model.classes == 2,
    )
    _check_task(recipe, source)
    _check_names(config, source)
    choosing, measuring = _choosing(config, source), _measuring(config, source)
    _check_counts(source, choosing, measuring)
    learned = learned_photos(source, initial)
    if not config.allow_leak:
        named = {config.validation_split, config.evaluation_split}
        others = {split for split in named if split} - {config.train_split}
        check_leaks(
            learned,
            [Source(folder=config.data, split=split) for split in sorted(others)],
        )
    return Splits(source, choosing, measuring, learned)


def _check_task(recipe: Recipe, source: Source) -> None:
    """Checks that a data set has what a recipe learns; copies need only photos.

    Raises:
        RecipeError: It is for the other task.
    """
    if source.info.task != recipe.task and not recipe.copies:
        raise RecipeError(
            f"{source.folder}: got a data set for {source.info.task}, expected one for "
            f"{recipe.task}; choose a recipe for it, or convert another data set"
        )


def _check_names(config: TrainingConfig, source: Source) -> None:
    there = sorted(source.info.splits)
    for flag in ("train_split", "validation_split", "evaluation_split"):
        split = getattr(config, flag)
        if split is not None and split not in there:
            none = ", or none" if flag == "evaluation_split" else ""
            other = [name for name in there if name != config.train_split] or ["none"]
            raise DatasetError(
                f"{flag}: got {split!r}, expected one of {', '.join(there)}{none}, the "
                f"splits of {config.data}; pass --{flag} {other[-1]}, or convert again "
                f"with --split {split}"
            )


def _choosing(config: TrainingConfig, source: Source) -> Source | None:
    chosen = config.validation_split
    if chosen is None:
        return replace(source, part="holdout") if config.holdout else None
    if config.holdout or chosen in (config.evaluation_split, config.train_split):
        raise RecipeError(
            f"validation_split: got {chosen} beside holdout {config.holdout}, "
            f"train_split {config.train_split}, evaluation_split "
            f"{config.evaluation_split}, expected a split of its own and no holdout: "
            "what chooses the epoch cannot measure it"
        )
    return replace(source, split=chosen, part="all", holdout=0.0)


def _measuring(config: TrainingConfig, source: Source) -> Source | None:
    if config.evaluation_split is None:
        return None
    return replace(source, split=config.evaluation_split, part="all", holdout=0.0)


def _check_counts(
    training: Source, choosing: Source | None, measuring: Source | None
) -> None:
    for part, use, cure in (
        (training, "train on", "choose another --holdout or split"),
        (
            choosing,
            "choose the epoch with",
            "choose another --holdout or --validation_split",
        ),
        (
            measuring,
            "measure the model on",
            "choose another --evaluation_split, or none",
        ),
    ):
        if part is None or part.count():
            continue
        if replace(part, labelled=False).count():
            cure = (
                "none is labelled high or low, which this recipe learns: convert with "
                "a protocol that has labels (--protocol ava1 or ava2)"
            )
        raise DatasetError(
            f"{part.folder}: split {part.split} has 0 photos to {use}, expected at "
            f"least one; {cure}"
        )
