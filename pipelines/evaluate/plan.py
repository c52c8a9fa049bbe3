"""The frozen plan of an evaluation: which model, which records, cut into which chunks.

It is created once in a folder of ours beside the output, see `chunks.frozen`.
"""

from typing import Final

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.labels import Task
from fcn_core.scoring.precisions import resolve_precisions
from pipelines import files
from pipelines.chunks import frozen
from pipelines.chunks.frozen import Frozen, Identified
from pipelines.chunks.parts import Parts
from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.data import Chunk, Data
from pipelines.evaluate.figures import EvaluateSettings, read_figures
from pipelines.evaluate.layout import EvaluationFiles
from pipelines.evaluate.leak import Leak, find_leak
from pipelines.evaluate.match import class_ids, matching_part
from pipelines.evaluate.rows import PHOTOS_SCHEMA
from pipelines.evaluate.table import Measurable, RatedPhotos
from pipelines.faults import UsageError
from pipelines.lanes.models import fetched

_REMOVE_FOLDER: Final = "remove its folder, and the same command starts again"
_REMOVE_PART: Final = "remove it, and the same command makes it again"


class EvaluatePlan(Identified):
    """What an evaluation is to do, decided once.

    Attributes:
        plan_id: Hash of all that decides the result; parts carry it.
        settings: The same as names and values, to compare with and to publish.
        task: "segmentation" or "aesthetics".
        class_names: Of the data set, by its ids (segmentation).
        class_ids: Its class id for each class id of the model (segmentation).
        bins: The ratings that the model's shares belong to (aesthetics).
        void: Label values that are left out.
        leak: What was compared with the training data, and what was not.
        chunks: The records.
        planned: How many.
    """

    plan_id: str = ""
    settings: EvaluateSettings
    task: Task
    class_names: tuple[str, ...]
    class_ids: tuple[int, ...]
    bins: tuple[float, ...]
    void: tuple[int, ...]
    leak: Leak
    chunks: tuple[Chunk, ...]
    planned: int


class Evaluation(Frozen):
    """A planned evaluation, ready to run.

    Attributes:
        output: The JSON file.
        data: The data set's folder.
        model: The model's built-in name, or its folder.
    """

    output: str
    data: str
    model: str
    card: ModelCard
    plan: EvaluatePlan

    @property
    def files(self) -> EvaluationFiles:
        """Its paths."""
        return EvaluationFiles(self.output)

    @property
    def parts(self) -> Parts:
        """Its parts."""
        folder, plan_id = self.files.parts, self.plan.plan_id
        return Parts(folder, plan_id, schema=PHOTOS_SCHEMA, cure=_REMOVE_PART)


def plan_evaluation(config: EvaluateConfig) -> Evaluation:
    """Checks that model and data fit, and freezes the plan, or finds it frozen.

    Raises:
        UsageError: The command cannot mean what it says.
    """
    try:
        bundle = scoring.find_bundle(fetched(config.model))
        card = ModelCard.read(bundle)
        (chosen,) = resolve_precisions(
            [card],
            config.engine,
            config.precision,
            instruction_set=config.instruction_set,
        )
    except ModelError as error:
        raise UsageError(f"--model: {error}") from error
    built_in = config.model in scoring.built_in_names()
    data = _open_data(config)
    settings = EvaluateSettings(
        model=card.label,
        model_fingerprint=card.fingerprint_in(chosen.precision),
        data=data.info.dataset,
        data_fingerprint=data.info.fingerprint,
        split=data.split,
        targets=_name_of(config.targets),
        engine=chosen.engine,
        precision=chosen.precision,
        instruction_set=chosen.instruction_set,
        max_side=config.max_side,
        views=config.views,
        void=config.void,
        chunk_size=config.chunk_size,
    )
    places = EvaluationFiles(files.to_uri(config.output))
    plan = _find(places, settings)
    # Allowed once, a leak is not asked for again when an evaluation goes on.
    if plan is None or (plan.leak.why and not config.allow_leak):
        draft = _draft(config, settings, data=data, card=card)
        rows = data.encoded if isinstance(data, RatedPhotos) else None
        plan = _freeze(places, draft, rows)
    return Evaluation(
        output=places.output,
        data=data.uri,
        model=config.model
        if built_in or "://" in config.model
        else files.to_uri(bundle),
        card=card,
        plan=plan,
    )


def _open_data(config: EvaluateConfig) -> Measurable:
    """Returns what is measured on: rows of a table, or else a split of records."""
    if config.targets is not None:
        return RatedPhotos.open(config.data, config.targets)
    return Data.open(config.data, config.split or "")


def _name_of(targets: str | None) -> str | None:
    return None if targets is None else files.to_uri(targets).rpartition("/")[2]


def _find(places: EvaluationFiles, settings: EvaluateSettings) -> EvaluatePlan | None:
    """Returns the plan that an earlier attempt froze.

    Raises:
        UsageError: The output is, or was begun as, another evaluation.
    """
    if files.exists(places.output):
        _check_same(places, read_figures(places.output).settings, settings)
    plan = frozen.read(places.plan, EvaluatePlan, cure=_REMOVE_FOLDER)
    if plan is not None:
        _check_same(places, plan.settings, settings)
    return plan


def _check_same(
    places: EvaluationFiles, before: EvaluateSettings, now: EvaluateSettings
) -> None:
    frozen.check_same(
        before.model_dump(mode="json"),
        now.model_dump(mode="json"),
        cure=f"as {places.output} has it; repeat it, or choose another --output",
    )


def _draft(
    config: EvaluateConfig,
    settings: EvaluateSettings,
    *,
    data: Measurable,
    card: ModelCard,
) -> EvaluatePlan:
    """Returns the plan of a new evaluation."""
    info = data.info
    part = matching_part(card, data)
    void = {value for value in (info.void, config.void) if value is not None}
    names = tuple(info.classes or ()) if info.task == "segmentation" else ()
    if config.void is not None and config.void < len(names):
        raise UsageError(
            f"--void: got {config.void}, which is the class {names[config.void]}, "
            f"expected a label value from {len(names)} on"
        )
    chunks = data.chunks(config.chunk_size)
    if not chunks:
        raise UsageError(
            f"--data: got no photo in {data.split}, expected some; convert again, or "
            "choose another --split or --targets"
        )
    return EvaluatePlan(
        settings=settings,
        task=info.task,
        class_names=names,
        class_ids=class_ids(part, names) if names else (),
        bins=tuple(part.rating_bins or ()),
        void=tuple(sorted(void)),
        leak=_check_leak(config, data, card),
        chunks=chunks,
        planned=sum(chunk.records for chunk in chunks),
    ).identified()


def _check_leak(config: EvaluateConfig, data: Measurable, card: ModelCard) -> Leak:
    try:
        leak = find_leak(card, scoring.find_bundle(fetched(config.model)), data)
    except ModelError as error:
        raise UsageError(f"--model: {error}") from error
    if leak.why and not config.allow_leak:
        raise UsageError(
            f"--data: {leak.why}; choose other photos, or pass --allow_leak"
            if config.targets
            else f"--split: {leak.why}; choose another, or pass --allow_leak"
        )
    return leak


def _freeze(
    places: EvaluationFiles, draft: EvaluatePlan, rows: bytes | None
) -> EvaluatePlan:
    """Writes the plan unless another launch is faster; returns the one that stands.

    Args:
        places: Of the evaluation.
        draft: The plan.
        rows: Of the table of ratings, if there is one; the plan fixes its content.
    """
    if not files.exists(places.output):
        files.check_writable(places.folder)
        if rows is not None:
            files.write_atomically(places.rows, rows)
        files.create_once(places.plan, draft.encode())
    return _find(places, draft.settings) or draft
