"""How an evaluation ends: gate passed, figures, table and worst photos out."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from fcn_core.metrics import intervals
from fcn_core.metrics.ratings import RatingRows
from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.columns import encode_table
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import Ending, Refusal, read_refusal, text_of
from pipelines.evaluate import parts, worst
from pipelines.evaluate.figures import (
    Baselines,
    Figures,
    Intervals,
    Measured,
    RatingFigures,
    SegmentationFigures,
    read_figures,
)
from pipelines.evaluate.parts import Totals
from pipelines.evaluate.plan import EvaluatePlan, Evaluation
from pipelines.faults import AboveThreshold
from pipelines.lanes.pool import pool_of
from pipelines.lanes.settings import LaneSettings

_SEED: Final = 0
"""Of the resamples behind intervals: the same photos give the same figures."""


@dataclass(frozen=True)
class EvaluationEnding(Ending[Totals]):
    """What is an evaluation's own about its end.

    Attributes:
        lanes: The pool that touches the pixels.
        max_error_rate: Largest share of failed records of a published evaluation.
        command: What the person typed.
        started: Seconds since the epoch.
    """

    evaluation: Evaluation
    lanes: LaneSettings
    max_error_rate: float
    command: str
    started: float = field(default_factory=time.time)

    def is_published(self) -> bool:
        """Whether the figures are there."""
        return files.exists(self.evaluation.output)

    def add_up(self) -> Totals:
        """Returns what the parts add up to."""
        return parts.add_up(self.evaluation)

    def refuse(self, total: Totals) -> Refusal | None:
        """Returns why the figures must not be published; None where they may."""
        planned = self.evaluation.plan.planned
        why = gates.check(
            planned=planned,
            failed=total.failed,
            max_error_rate=self.max_error_rate,
        )
        if why is None and total.ok == 0:
            why = f"none of {planned} could be used"
        return None if why is None else Refusal(why=why, failures=total.failures)

    def publish(self, total: Totals, counts: Counts, attempt: Attempt) -> None:
        """Writes the worst photos, the table and, last, the figures."""
        evaluation = self.evaluation
        pool = pool_of(attempt, self.lanes)
        worst.write_worst(evaluation, total.measured, pool)
        files.write_atomically(evaluation.files.photos, encode_table(total.photos))
        figures = _figures(evaluation.plan, total, self._measured(total, counts))
        files.write_atomically(evaluation.output, figures.encode())

    def _measured(self, total: Totals, counts: Counts) -> Measured:
        card, plan = self.evaluation.card, self.evaluation.plan
        settings = plan.settings
        seconds, per_second = counts.pace(self.started)
        return Measured(
            task=plan.task,
            model=card.name,
            model_version=card.version,
            model_fingerprint=settings.model_fingerprint,
            data=settings.data,
            data_fingerprint=settings.data_fingerprint,
            split=settings.split,
            images=total.ok,
            planned=plan.planned,
            failed=total.failed,
            failures=total.failures,
            leak=plan.leak,
            engine=settings.engine,
            precision=settings.precision,
            instruction_set=settings.instruction_set,
            void=plan.void,
            seconds=seconds,
            images_per_second=per_second,
            command=self.command,
            settings=settings,
        )


def _figures(plan: EvaluatePlan, total: Totals, measured: Measured) -> Figures:
    if plan.task == "aesthetics":
        return _rating_figures(plan, total, measured)
    scores = total.confusion.result()

    def by_name(values: Sequence[float]) -> dict[str, float | None]:
        return dict(zip(plan.class_names, map(_known, values), strict=True))

    return SegmentationFigures(
        **dict(measured),
        miou=_known(scores.miou),
        pixel_accuracy=_known(scores.pixel_accuracy),
        mean_accuracy=_known(scores.mean_accuracy),
        frequency_weighted_iou=_known(scores.frequency_weighted_iou),
        iou=by_name(scores.iou),
        class_accuracy=by_name(scores.accuracy),
        pixels=scores.pixels,
        classes=plan.class_names,
        confusion=total.confusion.counts.tolist(),
    )


def _rating_figures(
    plan: EvaluatePlan, total: Totals, measured: Measured
) -> RatingFigures:
    rows = parts.ratings_of(plan, total.measured)
    scores = {name: _known(value) for name, value in asdict(rows.result()).items()}
    del scores["photos"]
    return RatingFigures.model_validate(
        {
            **dict(measured),
            "baselines": {name: scores.pop(name) for name in Baselines.model_fields},
            **scores,
            "intervals": _intervals(rows),
            "classes": [f"{rating:g}" for rating in plan.bins],
            "confusion": rows.confusion().counts.tolist(),
        }
    )


def _intervals(rows: RatingRows) -> Intervals:
    found = rows.intervals(seed=_SEED)
    return Intervals(
        confidence=intervals.CONFIDENCE,
        resamples=intervals.RESAMPLES,
        seed=_SEED,
        srcc_mean=_known_interval(found.srcc),
        lcc_mean=_known_interval(found.lcc),
    )


def _known_interval(interval: intervals.Interval) -> intervals.Interval | None:
    return None if math.isnan(interval[0]) else interval


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def read_verdict(evaluation: Evaluation) -> Figures:
    """Returns the figures of a finished evaluation.

    Raises:
        AboveThreshold: They are not published, and why.
    """
    refusal = read_refusal(evaluation.files.refusal)
    if refusal is None or files.exists(evaluation.output):
        return read_figures(evaluation.output)
    raise AboveThreshold(
        f"{evaluation.output} is not written: {refusal.why} "
        f"({text_of(refusal.failures)}); mend the data, or pass a higher "
        "--max_error_rate to the same command"
    )
