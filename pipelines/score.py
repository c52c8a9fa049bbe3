"""The scoring job: what a lane is asked, what a chunk does. `score_finish` ends it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fcn_core import images
from fcn_core.bad_image import BadImage
from pipelines import inputs, masks, progress, results
from pipelines import plan as plans
from pipelines.chunk_job import ChunkJob, check_stop
from pipelines.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.lane_process import LaneSettings, Request
from pipelines.lanes import shared_pool
from pipelines.nights import Night
from pipelines.plan import Plan
from pipelines.results import Row
from pipelines.score_finish import Finish

_READ_THREADS = 4


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

    def process(self, chunks: range) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunk_job.ChunkWorker`."""
        open_chunks = {}
        for chunk in chunks:
            items = plans.read_chunk(self.out, self.plan, chunk)
            found = results.read_part_counts(self.out, self.plan, chunk, items=items)
            if found is None:
                open_chunks[chunk] = _OpenChunk(self, chunk, items.to_pylist())
            else:
                progress.note(ok=found.ok, failed=found.failed)
                yield found
        yield from self._score(open_chunks)

    def _score(self, open_chunks: "dict[int, _OpenChunk]") -> Iterator[Counts]:
        """Streams the photos of all chunks through the lanes without a stop."""
        # Of a copy: chunks leave `open_chunks` while later ones are still asked for.
        wanted = (
            (chunk, index)
            for chunk, opened in list(open_chunks.items())
            for index in range(len(opened.items))
        )
        requests = inputs.read_ahead(
            wanted,
            lambda key: self._request(open_chunks[key[0]].items[key[1]], key),
            threads=_READ_THREADS,
            depth=_READ_THREADS + 2 * self.lanes.lanes,
        )
        for done in shared_pool(self.lanes).answer(requests):
            check_stop()
            chunk, index = done.key
            opened = open_chunks[chunk]
            opened.take(index, done)
            progress.note(ok=done.bad is None, failed=done.bad is not None, computed=1)
            if opened.is_full:
                yield opened.commit()
                del open_chunks[chunk]

    def _request(self, item: Row, key: tuple[int, int]) -> Request:
        request = Request(key=key, header={}, blobs=[])
        try:
            request.blobs.append(
                inputs.read(
                    item["image_uri"],
                    version=item["version"],
                    offset=item["offset"],
                    root=self.plan.root,
                )
            )
        except BadImage as bad:
            request.bad = bad
        return request


class _OpenChunk:
    """A chunk whose rows are not all in."""

    def __init__(self, worker: ScoreWorker, chunk: int, items: list[Row]):
        self._worker = worker
        self._chunk = chunk
        self.items = items
        self._rows: list[Row | None] = [None] * len(items)
        self._missing = len(items)
        self._masks = masks.open_chunk(
            str(worker.plan.settings["masks"]), worker.out, worker.plan.run_date, chunk
        )

    @property
    def is_full(self) -> bool:
        return self._missing == 0

    def take(self, index: int, done: Request) -> None:
        """Takes what came of one item."""
        item = self.items[index]
        row = {
            "image_key": item["image_key"],
            "image_uri": item["image_uri"],
            "version": item["version"],
            "models": self._worker.models,
            "fingerprint": self._worker.plan.fingerprint,
            "decode_policy": images.DECODE_POLICY,
        }
        if done.bad is not None:
            row |= _failed(done.bad)
        elif done.reply is None:
            raise SystemicFault(f"{item['image_uri']}: got no answer from its lane")
        else:
            row |= _scored(done.reply)
            for png in done.reply_blobs:
                self._masks.add(item["image_key"], png)
        self._rows[index] = row
        self._missing -= 1

    def commit(self) -> Counts:
        """Makes the chunk visible, its masks first, its part last."""
        worker = self._worker
        plans.check_kept(worker.out, worker.plan)
        paths = self._masks.finish()
        rows = [row for row in self._rows if row is not None]
        for row in rows:
            row["mask_path"] = paths.get(row["image_key"])
        items = plans.read_chunk(worker.out, worker.plan, self._chunk)
        results.write_part(worker.out, worker.plan, self._chunk, items=items, rows=rows)
        # Whoever made the part: what it says is what counts.
        found = results.read_part_counts(
            worker.out, worker.plan, self._chunk, items=items
        )
        if found is None:
            plans.check_kept(worker.out, worker.plan)
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
        task="pipelines.lane_tasks:ScorePhotos",
        config=json.dumps(config, sort_keys=True),
        lanes=lanes or len(os.sched_getaffinity(0)),
    )
    models = "+".join(model.card.label for model in night.models)
    return ChunkJob(
        worker=ScoreWorker(night.out, night.plan, pool, models),
        chunks=night.plan.chunks,
        finish=Finish(night, max_error_rate, command),
    )
