"""The scoring job: what a lane is asked, what a chunk does. `finish` ends it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fcn_core import images
from fcn_core.bad_image import BadImage
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.faults import SystemicFault
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings, count_lanes
from pipelines.score import inputs, masks, parts
from pipelines.score.finish import Finish
from pipelines.score.nights import Night
from pipelines.score.plan import Plan, check_kept, read_chunk
from pipelines.score.rows import Row

_READING = stream.Reading(threads=4)


@dataclass(frozen=True)
class ScoreWorker:
    """Scores chunks of a plan: reads, has lanes do the pixels, writes masks and parts.

    Attributes:
        out: The output.
        plan: The night's plan.
        lanes: The pool that touches the pixels.
        models: `name@version` of the models, joined by `+`, as rows have it.
    """

    out: str
    plan: Plan
    lanes: LaneSettings
    models: str

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunks.job.ChunkWorker`."""
        return stream.process(
            chunks, self._open, attempt=attempt, lanes=self.lanes, reading=_READING
        )

    def _open(self, chunk: int) -> "_OpenChunk | Counts":
        items = read_chunk(self.out, self.plan, chunk)
        found = parts.read_part_counts(self.out, self.plan, chunk, items=items)
        return _OpenChunk(self, chunk, items.to_pylist()) if found is None else found


class _OpenChunk:
    """A chunk whose rows are not all in."""

    def __init__(self, worker: ScoreWorker, chunk: int, items: list[Row]):
        self._worker = worker
        self._chunk = chunk
        self.items = items
        self._rows: list[Row | None] = [None] * len(items)
        self._masks = masks.open_chunk(
            str(worker.plan.settings["masks"]), worker.out, worker.plan.run_date, chunk
        )

    @property
    def size(self) -> int:
        return len(self.items)

    def request(self, index: int) -> Request | Answer:
        """Returns the request for a photo's score, or why it cannot be read."""
        item = self.items[index]
        try:
            photo = inputs.read(
                item["image_uri"],
                version=item["version"],
                offset=item["offset"],
                root=self._worker.plan.root,
            )
        except BadImage as bad:
            return Answer(bad=bad)
        return Request({}, [photo])

    def take(self, index: int, answer: Answer) -> bool:
        """Takes the answer about an item; returns whether it has a score."""
        item = self.items[index]
        row = {
            "image_key": item["image_key"],
            "image_uri": item["image_uri"],
            "version": item["version"],
            "models": self._worker.models,
            "fingerprint": self._worker.plan.fingerprint,
            "decode_policy": images.DECODE_POLICY,
        }
        if answer.bad is not None:
            row |= _failed(answer.bad)
        else:
            row |= _scored(answer.reply)
            for png in answer.blobs:
                self._masks.add(item["image_key"], png)
        self._rows[index] = row
        return answer.bad is None

    def commit(self) -> Counts:
        """Makes the chunk visible, its masks first, its part last."""
        worker = self._worker
        check_kept(worker.out, worker.plan)
        paths = self._masks.finish()
        rows = [row for row in self._rows if row is not None]
        for row in rows:
            row["mask_path"] = paths.get(row["image_key"])
        items = read_chunk(worker.out, worker.plan, self._chunk)
        parts.write_part(worker.out, worker.plan, self._chunk, items=items, rows=rows)
        # Whoever made the part: what it says is what counts.
        found = parts.read_part_counts(
            worker.out, worker.plan, self._chunk, items=items
        )
        if found is None:
            check_kept(worker.out, worker.plan)
            raise SystemicFault(f"chunk {self._chunk}: its part vanished")
        return Counts(found.ok, found.failed, computed=len(rows))


def _failed(bad: BadImage) -> Row:
    return {
        "status": "failed",
        "error_stage": bad.stage,
        "error_reason": bad.reason,
        "error_detail": bad.detail,
    }


def _scored(score: dict[str, Any]) -> Row:
    """Returns the columns of a `PhotoScore` that crossed the pipe as JSON."""
    row: Row = {
        "status": "ok",
        "sha256": score["sha256"],
        "width": score["width"],
        "height": score["height"],
        "dominant_class": score["dominant_class"],
        "mask_sha256": score["mask_sha256"],
        "aesthetics_ratings": score["ratings"],
        "aesthetics_mean": score["mean"],
        "aesthetics_std": score["std"],
    }
    if score["class_pixels"] is not None:
        present = [(c, n) for c, n in enumerate(score["class_pixels"]) if n]
        row["segmentation_classes"] = [class_id for class_id, _ in present]
        row["segmentation_pixels"] = [pixels for _, pixels in present]
    return row


def job(
    night: Night, *, lanes: int | None, max_error_rate: float, command: str
) -> ChunkJob:
    """Returns a planned night as the one graph sees it."""
    settings = night.plan.settings
    config = {
        "models": [
            {"name": model.name, "fingerprint": model.card.fingerprint}
            for model in night.models
        ],
        "engine": settings["engine"],
        "precision": settings["precision"],
        "instruction_set": settings["instruction_set"],
        "max_side": settings["max_side"],
        "tile": settings.get("tile"),  # nights of before tiles have none
        "masks": settings["masks"] != "none",
    }
    pool = LaneSettings(
        task="pipelines.score.lane:ScorePhotos",
        config=config,
        lanes=count_lanes(lanes),
    )
    models = "+".join(model.card.label for model in night.models)
    return ChunkJob(
        worker=ScoreWorker(night.out, night.plan, pool, models),
        chunks=night.plan.chunks,
        finish=Finish(night, max_error_rate, command),
    )
