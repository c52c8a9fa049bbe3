"""`summary.json`: a night in numbers, as its writer and all its readers know it."""

from typing import Literal

from pydantic import Field

from fcn_core.bundles.card import Metric, ModelCard
from fcn_core.bundles.int8_form import Compared
from fcn_core.labels import Task
from fcn_core.scoring.arithmetic import Arithmetic
from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.chunks.gates import Gate
from pipelines.faults import SystemicFault, UsageError
from pipelines.score.gate_settings import Acceptance
from pipelines.score.layout import NightFolder
from pipelines.score.unread import Unread


class ModelSummary(Frozen):
    """A model of the night: what a reader of the table needs of its card.

    Attributes:
        metrics: Of the precision that it was computed in.
        precision: That one; empty in summaries that were written before.
        instruction_set: Likewise.
    """

    name: str
    version: str
    task: Task
    fingerprint: str
    notes: str
    origin: str
    licence: str
    metrics: tuple[Metric, ...]
    classes: tuple[str, ...] | None
    rating_bins: tuple[float, ...] | None
    precision: str = ""
    instruction_set: str = ""

    @classmethod
    def of(cls, card: ModelCard, arithmetic: Arithmetic) -> "ModelSummary":
        """Returns the summary of a card, for what computes the model."""
        content = card.model_dump(mode="json", include=set(cls.model_fields))
        content |= {
            "precision": arithmetic.precision,
            "instruction_set": arithmetic.instruction_set,
            "fingerprint": card.fingerprint_in(arithmetic.precision),
        }
        if arithmetic.precision == "int8" and card.int8 is not None:
            content["metrics"] = [_int8_metric(each) for each in card.int8.compared]
        return cls.model_validate(content)


def _int8_metric(compared: Compared) -> Metric:
    """Returns a figure of an int8 form as one of the model."""
    shared = compared.model_dump(include={"name", "data", "split", "images"})
    return Metric(value=compared.int8, **shared)


class Summary(Frozen):
    """A night in numbers: its plan, its `Totals` and what its `Night` left out.

    Attributes:
        schema_version: Raised where a field changes its meaning or goes; new fields
            may come at any time.
        run_date: The night.
        kind: `score`, or `replay` of failed rows.
        verdict: Whether it is published.
        why: Why not.
        planned: Number of photos.
        ok: Photos with a result.
        failed: Photos with a reason.
        skipped: Photos of the input that other nights hold.
        waiting: Photos that no night holds yet.
        ignored: Files of the input that are not photos.
        left_out: Name or pattern -> folders and files of the input left out for it.
        unread: Places of the input that could not be read: folders, parts of records.
        unread_places: The first of them, named.
        failures: Number of photos for each reason.
        computed: Photos that the last attempt worked on.
        seconds: Time of the last attempt.
        images_per_second: Computed photos in that time.
        engine: The library that ran the models.
        precision: One word, or one a model joined by "+"; each model has its own.
        instruction_set: What computed.
        fingerprint: Of models, arithmetic and sizes.
        models: One a task.
        command: What the person typed.
        output: Folder or gs:// prefix of the results.
        reasons: A sentence for each gate that closed, also where it was accepted.
        gates: What each gate found that had enough to go by.
        accepted: Who published the night in spite of that.
    """

    schema_version: Literal[1] = 1
    run_date: str
    kind: Literal["score", "replay"]
    verdict: Literal["success", "failed"]
    why: str | None
    planned: int
    ok: int
    failed: int
    skipped: int
    waiting: int
    ignored: int
    left_out: dict[str, int] = Field(default={})
    unread: int = 0
    unread_places: tuple[Unread, ...] = ()
    failures: dict[str, int]
    computed: int
    seconds: float
    images_per_second: float
    engine: str
    precision: str
    instruction_set: str
    fingerprint: str
    models: tuple[ModelSummary, ...]
    command: str
    output: str
    reasons: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    accepted: Acceptance | None = None

    def model(self, task: Task) -> ModelSummary | None:
        """Returns the model of a task, None where none ran."""
        return next((model for model in self.models if model.task == task), None)


def find_summary(folder: NightFolder) -> Summary | None:
    """Returns what the last finished attempt wrote; None where it must be written."""
    try:
        return _parse(folder.summary)
    except (FileNotFoundError, SystemicFault):
        return None


def _parse(uri: str) -> Summary:
    try:
        return Summary.model_validate_json(files.read_bytes(uri))
    except ValueError as error:  # pydantic's errors, and what is not UTF-8
        got = str(error).splitlines()[0]
        raise SystemicFault(
            f"{uri}: got {got}, expected what `fcn score` of this version writes; "
            "run the same `fcn score` again"
        ) from error


def read_summary(folder: NightFolder) -> Summary:
    """Returns the summary of a finished night.

    Raises:
        UsageError: The night is not finished.
        SystemicFault: The file is damaged.
    """
    try:
        return _parse(folder.summary)
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder.summary}: there is none, expected the summary of "
            f"run_date={folder.run_date}; let `fcn score` finish that night first"
        ) from error
