"""How an evaluation ends: counts checked, gate passed, figures and worst photos out."""

import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.ratings import RatingRows
from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.evaluate import parts as evaluate_parts
from pipelines.evaluate import records as evaluate_records
from pipelines.evaluate.parts import PHOTOS_SCHEMA, Row
from pipelines.evaluate.plan import EvaluatePlan, Evaluation, beside
from pipelines.faults import AboveThreshold, SystemicFault
from pipelines.lanes.pool import LanePool, pool_of
from pipelines.lanes.settings import LaneSettings

WORST: Final = 20
"""Photos on the page."""

WORST_SCHEMA: Final = pa.schema(
    [
        *PHOTOS_SCHEMA,
        pa.field("photo", pa.binary()),
        pa.field("label", pa.binary()),
        pa.field("mask", pa.binary()),
    ]
)
"""Rows of the worst photos with their pictures, for the page."""


@dataclass(frozen=True)
class Finish:
    """Publishes an evaluation, or writes down why not.

    Attributes:
        evaluation: What was done.
        lanes: The pool that touches the pixels.
        max_error_rate: Largest share of failed records of a published evaluation.
        command: What the person typed.
        started: When, seconds since the epoch.
    """

    evaluation: Evaluation
    lanes: LaneSettings
    max_error_rate: float
    command: str
    started: float = field(default_factory=time.time)

    def __call__(self, counts: Counts, attempt: Attempt) -> None:
        """Checks that the counts add up, passes the gate, publishes."""
        evaluation, plan = self.evaluation, self.evaluation.plan
        if files.exists(evaluation.output):
            return  # a launch beside this one was faster
        parts = [
            evaluate_parts.read_part(evaluation, chunk)
            for chunk in range(len(plan.chunks))
        ]
        photos = pa.concat_tables(
            [part.replace_schema_metadata(None) for part in parts]
        )
        ok = photos.filter(pc.equal(photos["status"], "ok"))
        failed = photos.num_rows - ok.num_rows
        if (counts.ok, counts.failed) != (ok.num_rows, failed) or (
            ok.num_rows + failed != plan.planned
        ):
            raise SystemicFault(
                f"got {counts.ok} evaluated + {counts.failed} failed, expected "
                f"{plan.planned} as planned; nothing is published"
            )
        failures = _failures(photos)
        why = gates.check(
            planned=plan.planned, failed=failed, max_error_rate=self.max_error_rate
        )
        if why is None and ok.num_rows == 0:
            why = f"none of {plan.planned} could be used"
        if why is not None:
            said = {"why": why, "failures": failures}
            files.write_atomically(_failed_uri(evaluation), _json(said))
            return
        figures = _figures(plan, parts, ok)
        self._write_pictures(ok, pool_of(attempt, self.lanes))
        _write_table(beside(evaluation.output, ".photos.parquet"), photos)
        files.write_atomically(
            evaluation.output,
            _json(self._described(counts, ok.num_rows, failures) | figures),
        )

    def _described(
        self, counts: Counts, images: int, failures: dict[str, int]
    ) -> dict[str, Any]:
        evaluation, plan = self.evaluation, self.evaluation.plan
        card, settings = evaluation.card, plan.settings
        seconds = max(time.time() - self.started, 1e-3)
        return {
            "task": plan.task,
            "model": card.name,
            "model_version": card.version,
            "model_fingerprint": card.fingerprint,
            "data": settings["data"],
            "data_fingerprint": settings["data_fingerprint"],
            "split": settings["split"],
            "images": images,
            "planned": plan.planned,
            "failed": plan.planned - images,
            "failures": failures,
            "leak": plan.leak.model_dump(),
            "engine": settings["engine"],
            "precision": settings["precision"],
            "instruction_set": settings["instruction_set"],
            "void": list(plan.void),
            "seconds": round(seconds, 3),
            "images_per_second": round(counts.computed / seconds, 2),
            "command": self.command,
            "settings": settings,
        }

    def _write_pictures(self, ok: pa.Table, pool: LanePool) -> None:
        """Scores the worst photos again to get their pictures."""
        rows = worst(ok, self.evaluation.plan.task)
        places = {
            (chunk.shard, chunk.first + number): offset
            for chunk in self.evaluation.plan.chunks
            if any(_is_in(row, chunk.shard, chunk.first, chunk.records) for row in rows)
            for number, offset in enumerate(
                evaluate_records.offsets(self.evaluation, chunk)
            )
        }
        requests = [
            evaluate_records.request(
                self.evaluation,
                (row["shard"], places[row["shard"], row["record"]]),
                pictures=True,
            )
            for row in rows
        ]
        for index, answer in pool.answer(enumerate(requests)):
            if answer.bad is None:
                pictures = [*answer.blobs, None, None]
                rows[index] |= dict(
                    zip(("photo", "label", "mask"), pictures, strict=False)
                )
        table = pa.Table.from_pylist(rows, schema=WORST_SCHEMA)
        _write_table(worst_uri(self.evaluation), table)


def _is_in(row: Row, shard: str, first: int, records: int) -> bool:
    return row["shard"] == shard and first <= row["record"] < first + records


def worst(ok: pa.Table, task: str) -> list[Row]:
    """Returns the rows of the worst photos, the worst first.

    Worst is the lowest IoU of the photo itself, or the largest distance between the
    predicted and the true mean rating.
    """
    if task == "segmentation":
        error = ok["iou"]
    else:
        gap = pc.subtract(ok["predicted_mean"], ok["target_mean"])
        error = pc.negate(pc.abs(gap))
    table = ok.append_column("error", error)
    keys = [(name, "ascending") for name in ("error", "shard", "record")]
    known = table.filter(pc.is_valid(table["error"])).sort_by(keys)
    return known.slice(0, WORST).drop_columns("error").to_pylist()


def _figures(
    plan: EvaluatePlan, parts: Sequence[pa.Table], ok: pa.Table
) -> dict[str, Any]:
    if plan.task == "aesthetics":
        return _rating_figures(plan, evaluate_parts.ratings_of(plan, ok))
    total = ConfusionMatrix.zero(len(plan.class_names))
    for part in parts:
        total += evaluate_parts.confusion_of(plan, part)
    scores = total.result()
    return {
        "miou": _known(scores.miou),
        "pixel_accuracy": _known(scores.pixel_accuracy),
        "mean_accuracy": _known(scores.mean_accuracy),
        "frequency_weighted_iou": _known(scores.frequency_weighted_iou),
        "iou": _named(plan, scores.iou),
        "class_accuracy": _named(plan, scores.accuracy),
        "pixels": scores.pixels,
        "classes": list(plan.class_names),
        "confusion": total.counts.tolist(),
    }


def _named(plan: EvaluatePlan, values: Sequence[float]) -> dict[str, float | None]:
    known = map(_known, values)
    return dict(zip(plan.class_names, known, strict=True))


def _rating_figures(plan: EvaluatePlan, rows: RatingRows) -> dict[str, Any]:
    scores = {name: _known(value) for name, value in asdict(rows.result()).items()}
    baselines = {
        name: scores.pop(name)
        for name in ("majority_accuracy", "constant_emd_r1", "constant_emd_r2")
    }
    del scores["photos"]
    confusion = rows.confusion().counts
    return {
        **scores,
        "baselines": baselines,
        "classes": [f"{rating:g}" for rating in plan.bins],
        "confusion": confusion.tolist(),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _failures(photos: pa.Table) -> dict[str, int]:
    reasons = photos["error_reason"].drop_null().to_pylist()
    return dict(sorted(Counter(reasons).items()))


def _write_table(uri: str, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    files.write_atomically(uri, sink.getvalue().to_pybytes())


def worst_uri(evaluation: Evaluation) -> str:
    """Returns the name of the worst photos' table, which the page is made of."""
    return files.join(evaluation.work, "worst.parquet")


def _failed_uri(evaluation: Evaluation) -> str:
    return files.join(evaluation.work, "FAILED")


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def verdict(evaluation: Evaluation) -> dict[str, Any]:
    """Returns the figures of a finished evaluation.

    Raises:
        AboveThreshold: it is not published, and why.
    """
    if files.exists(evaluation.output):
        return json.loads(files.read_bytes(evaluation.output))
    failed = json.loads(files.read_bytes(_failed_uri(evaluation)))
    reasons = ", ".join(f"{name} {n}" for name, n in failed["failures"].items())
    raise AboveThreshold(
        f"{evaluation.output} is not written: {failed['why']} ({reasons}); mend the "
        "data, or pass a higher --max_error_rate to the same command"
    )
