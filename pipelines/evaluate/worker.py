"""The evaluation job: a chunk is consecutive records of a shard, and this is its work.

The lanes run what scores photos (`scoring.PhotoScorer`), so what is measured is what a
night of scoring gives. A chunk's pixels by class and its rows become visible together,
by one part that is created once; `finish` adds the parts up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from fcn_core.metrics.confusion import ConfusionMatrix
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.evaluate import parts, records
from pipelines.evaluate.finish import Finish
from pipelines.evaluate.parts import Row
from pipelines.evaluate.plan import Evaluation
from pipelines.faults import SystemicFault
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings, count_lanes

_READING: Final = stream.Reading(threads=2)


@dataclass(frozen=True)
class EvaluateWorker:
    """Evaluates chunks of a plan.

    Attributes:
        evaluation: What to do, and where.
        lanes: The pool that touches the pixels.
    """

    evaluation: Evaluation
    lanes: LaneSettings

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunks.job.ChunkWorker`."""
        return stream.process(
            chunks, self._open, attempt=attempt, lanes=self.lanes, reading=_READING
        )

    def _open(self, chunk: int) -> "_OpenChunk | Counts":
        found = parts.read_counts(self.evaluation, chunk)
        return _OpenChunk(self.evaluation, chunk) if found is None else found


class _OpenChunk:
    """A chunk whose rows are not all in."""

    def __init__(self, evaluation: Evaluation, number: int):
        self._evaluation, self._number = evaluation, number
        self.chunk = evaluation.plan.chunks[number]
        self._offsets = records.offsets(evaluation, self.chunk)
        self._rows: dict[int, Row] = {}
        self._confusion = ConfusionMatrix.zero(len(evaluation.plan.class_names))

    @property
    def size(self) -> int:
        return self.chunk.records

    def request(self, index: int) -> Request | Answer:
        """Returns the request for a record, or why it cannot be read."""
        place = self.chunk.shard, self._offsets[index]
        return records.request(self._evaluation, place)

    def take(self, index: int, answer: Answer) -> bool:
        """Takes the answer about a record; returns whether it was evaluated."""
        row: Row = {"shard": self.chunk.shard, "record": self.chunk.first + index}
        if answer.bad is not None:
            row |= {
                "status": "failed",
                "error_stage": answer.bad.stage,
                "error_reason": answer.bad.reason,
                "error_detail": answer.bad.detail,
            }
        else:
            reply = dict(answer.reply)
            if "confusion" in reply:
                cells, counts = reply.pop("confusion")
                self._confusion.counts.flat[cells] += np.array(counts, np.int64)
            row |= {"status": "ok", **reply}
        self._rows[index] = row
        return answer.bad is None

    def commit(self) -> Counts:
        """Makes the chunk visible."""
        rows = [self._rows[index] for index in range(self.chunk.records)]
        parts.write_part(
            self._evaluation, self._number, rows=rows, confusion=self._confusion
        )
        # Whoever made the part: what it says is what counts.
        found = parts.read_counts(self._evaluation, self._number)
        if found is None:
            raise SystemicFault(f"chunk {self._number}: its part vanished")
        return Counts(found.ok, found.failed, computed=len(rows))


def lane_settings(evaluation: Evaluation, *, lanes: int | None) -> LaneSettings:
    """Returns the lanes that an evaluation needs.

    Args:
        evaluation: What to do.
        lanes: How many processes; as many as cores if None.
    """
    plan = evaluation.plan
    settings = plan.settings
    config = {
        "models": [
            {"name": evaluation.model, "fingerprint": settings["model_fingerprint"]}
        ],
        "engine": settings["engine"],
        "precision": settings["precision"],
        "instruction_set": settings["instruction_set"],
        "max_side": settings["max_side"],
        "masks": plan.task == "segmentation",
        "task": plan.task,
        "class_ids": plan.class_ids,
        "bins": plan.bins,
        "void": plan.void,
    }
    return LaneSettings(
        task="pipelines.evaluate.lane:EvaluateRecords",
        config=config,
        lanes=count_lanes(lanes),
    )


def job(
    evaluation: Evaluation, *, lanes: int | None, max_error_rate: float, command: str
) -> ChunkJob:
    """Returns a planned evaluation as the one graph sees it."""
    pool = lane_settings(evaluation, lanes=lanes)
    return ChunkJob(
        worker=EvaluateWorker(evaluation, pool),
        chunks=len(evaluation.plan.chunks),
        finish=Finish(evaluation, pool, max_error_rate, command),
    )
