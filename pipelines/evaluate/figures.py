"""The figures of an evaluation, as their writer and all their readers know them."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from fcn_core.labels import Views
from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.evaluate.leak import Leak
from pipelines.faults import UsageError


class EvaluateSettings(Frozen):
    """What decides the figures; the same output must have the same.

    Attributes:
        model: `name@version`.
        data: Name of the data set.
        targets: Name of the CSV that rates the photos of a folder; None: records do.
        data_fingerprint: Of its records. All else is as in `EvaluateConfig`, after
            `auto` was resolved, see `fcn_core.scoring.arithmetic.Arithmetic`.
    """

    model: str
    model_fingerprint: str
    data: str
    data_fingerprint: str
    split: str
    targets: str | None = None
    engine: str
    precision: str
    instruction_set: str
    max_side: int | None
    views: Views = "1"
    void: int | None
    chunk_size: int


class Measured(Frozen):
    """What the figures of both tasks begin with: much of it as in `EvaluateSettings`.

    Attributes:
        model: Its name.
        images: Photos that were measured.
        planned: Photos of the split.
        failed: Photos that could not be used.
        failures: Number of them for each reason.
        leak: What was compared with the training data.
        void: Label values that are left out.
        seconds: Time of the last attempt.
        images_per_second: Photos that it worked on in that time.
        command: What the person typed.
        settings: All that decides the figures.
    """

    task: str
    model: str
    model_version: str
    model_fingerprint: str
    data: str
    data_fingerprint: str
    split: str
    images: int
    planned: int
    failed: int
    failures: dict[str, int]
    leak: Leak
    engine: str
    precision: str
    instruction_set: str
    void: tuple[int, ...]
    seconds: float
    images_per_second: float
    command: str
    settings: EvaluateSettings


class SegmentationFigures(Measured):
    """Figures of masks; None where a figure cannot be computed.

    Attributes:
        miou: Mean IoU over the classes that occur.
        pixel_accuracy: Share of the pixels that are right.
        mean_accuracy: Mean over the classes of the share that is right.
        frequency_weighted_iou: IoU weighted by the classes' pixels.
        iou: Of each class by name.
        class_accuracy: Of each class by name.
        pixels: That were compared.
        classes: Names, by class id.
        confusion: Pixels, `[true class][predicted class]`.
    """

    task: Literal["segmentation"]
    miou: float | None
    pixel_accuracy: float | None
    mean_accuracy: float | None
    frequency_weighted_iou: float | None
    iou: dict[str, float | None]
    class_accuracy: dict[str, float | None]
    pixels: int
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]


class Baselines(Frozen):
    """What is reached without looking at a photo."""

    majority_accuracy: float | None
    constant_mae_mean: float | None = None
    constant_emd_r1: float | None
    constant_emd_r2: float | None


class Intervals(Frozen):
    """How sure correlations are, see `fcn_core.metrics.intervals`.

    Attributes:
        confidence: Share of the resamples inside.
        resamples: How often photos were drawn.
        seed: Of the draws.
        srcc_mean: Lower and upper end; None where nothing correlates.
        lcc_mean: Likewise.
    """

    confidence: float
    resamples: int
    seed: int
    srcc_mean: tuple[float, float] | None
    lcc_mean: tuple[float, float] | None


class RatingFigures(Measured):
    """Figures of ratings, see `fcn_core.metrics.ratings.RatingScores`.

    Attributes:
        intervals: Of the correlations of means; None in files of earlier versions, as
            are the mean distances.
        classes: The rating bins as text.
        confusion: Photos, `[true bin][predicted bin]`.
    """

    task: Literal["aesthetics"]
    with_votes: int
    accuracy: float | None
    accuracy_at: float | None
    srcc_mean: float | None
    lcc_mean: float | None
    mae_mean: float | None = None
    intervals: Intervals | None = None
    srcc_std: float | None
    lcc_std: float | None
    emd_r1: float | None
    emd_r2: float | None
    baselines: Baselines
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]


Figures = SegmentationFigures | RatingFigures

_PARSER: TypeAdapter[Figures] = TypeAdapter(
    Annotated[Figures, Field(discriminator="task")]
)


def read_figures(output: str) -> Figures:
    """Returns what `fcn evaluate` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        UsageError: It is not one of `fcn evaluate`.
    """
    try:
        return _PARSER.validate_json(files.read_bytes(output))
    except ValidationError as error:
        raise UsageError(
            f"--output {output}: got another program's file, expected a new one or "
            "that of the same evaluation; choose another name"
        ) from error
