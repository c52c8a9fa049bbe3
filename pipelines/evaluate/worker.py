"""The evaluation job: a chunk is consecutive records of a shard, and this is its work.

The lanes run what scores photos (`scoring.PhotoScorer`), so what is measured is what a
night of scoring gives. A chunk's pixels by class and its rows become visible together,
by one part that is created once; `finish` adds the parts up.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from fcn_core import scoring
from fcn_core.metrics.confusion import ConfusionMatrix
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.columns import error_columns
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import finish
from pipelines.chunks.job import ChunkJob
from pipelines.evaluate import parts, records
from pipelines.evaluate.finish import EvaluationEnding
from pipelines.evaluate.plan import Evaluation
from pipelines.evaluate.rows import PhotoRow
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings


@dataclass(frozen=True)
class EvaluateWorker:
    """Evaluates chunks of a plan in lanes."""

    evaluation: Evaluation
    lanes: LaneSettings

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunks.job.ChunkWorker`."""
        reading = stream.Reading(threads=files.parallel_reads(self.evaluation.data))
        return stream.process(
            chunks, self._open, attempt=attempt, lanes=self.lanes, reading=reading
        )

    def _open(self, chunk: int) -> "_OpenChunk | Counts":
        planned = self.evaluation.plan.chunks[chunk].records
        found = self.evaluation.parts.find(chunk, planned=planned)
        return _OpenChunk(self.evaluation, chunk) if found is None else found.counts


class _OpenChunk:
    """A chunk whose rows are not all in."""

    def __init__(self, evaluation: Evaluation, number: int):
        self._evaluation, self._number = evaluation, number
        self.chunk = evaluation.plan.chunks[number]
        self._offsets = records.offsets(evaluation, self.chunk)
        self._rows: dict[int, PhotoRow] = {}
        self._confusion = ConfusionMatrix.zero(len(evaluation.plan.class_names))

    @property
    def size(self) -> int:
        return self.chunk.records

    def request(self, index: int) -> Request | Answer:
        """Returns the request for a record, or why it cannot be read."""
        place = self.chunk.shard, self._offsets[index]
        return records.request(self._evaluation, place)

    def take(self, index: int, answer: Answer) -> bool:
        """Takes the answer about a record; returns whether it was measured."""
        row = PhotoRow(
            shard=self.chunk.shard, record=self.chunk.first + index, status="failed"
        )
        if answer.bad is not None:
            row = replace(row, **error_columns(answer.bad))
        else:
            columns = dict(answer.reply)
            if "confusion" in columns:
                cells, counts = columns.pop("confusion")
                self._confusion.counts.flat[cells] += np.array(counts, np.int64)
            row = replace(row, status="ok", **columns)
        self._rows[index] = row
        return answer.bad is None

    def commit(self) -> Counts:
        """Makes the chunk visible."""
        rows = [self._rows[index] for index in range(self.chunk.records)]
        evaluation = self._evaluation
        parts.write_part(evaluation, self._number, rows=rows, confusion=self._confusion)
        # First writer wins: use the committed part.
        found = evaluation.parts.committed(self._number, columns=[]).counts
        return Counts(found.ok, found.failed, computed=len(rows))


def lane_settings(evaluation: Evaluation, *, lanes: int | None) -> LaneSettings:
    """Returns the lanes that an evaluation needs; one a core if None."""
    plan, settings = evaluation.plan, evaluation.plan.settings
    model = {"name": evaluation.model, "fingerprint": settings.model_fingerprint}
    config = {
        "models": [model],
        **settings.model_dump(
            include={"engine", "precision", "instruction_set", "max_side", "views"}
        ),
        "masks": plan.task == "segmentation",
        "task": plan.task,
        "class_ids": plan.class_ids,
        "bins": plan.bins,
        "void": plan.void,
    }
    return LaneSettings(
        task="pipelines.evaluate.lane:EvaluateRecords",
        config=config,
        lanes=lanes,
    )


def job(
    evaluation: Evaluation, *, lanes: int | None, max_error_rate: float, command: str
) -> ChunkJob:
    """Returns a planned evaluation as the one graph sees it."""
    pool = lane_settings(evaluation, lanes=lanes)
    return ChunkJob(
        worker=EvaluateWorker(evaluation, pool),
        chunks=len(evaluation.plan.chunks),
        finish=functools.partial(
            finish,
            EvaluationEnding(evaluation, pool, max_error_rate, command),
            planned=evaluation.plan.planned,
            refusal_uri=evaluation.files.refusal,
        ),
        planned=evaluation.plan.planned,
        parts=evaluation.parts,
        plan=evaluation.files.plan,
        done=evaluation.output,
        inputs=_inputs(evaluation),
    )


def _inputs(evaluation: Evaluation) -> tuple[str, ...]:
    """Returns what workers read besides the output: the data set, the model."""
    if evaluation.model in scoring.built_in_names():
        return (evaluation.data,)
    return evaluation.data, evaluation.model
