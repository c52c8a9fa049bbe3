"""The scoring job: what a lane is asked, what a chunk does. `finish` ends it."""

import errno
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from fcn_core import images, scoring
from fcn_core.bad_image import BadImage
from fcn_core.scoring import PhotoScore
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.columns import error_columns
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import finish
from pipelines.chunks.job import ChunkJob, Steps
from pipelines.chunks.pieces import Pieces
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.pool import pool_of
from pipelines.lanes.settings import LaneSettings
from pipelines.score import canaries, inputs, masks, merging, parts
from pipelines.score.finish import NightEnding
from pipelines.score.gate_settings import Acceptance
from pipelines.score.lanes import DEFAULT_DEVICE, Device, lane_settings
from pipelines.score.layout import plan_uri
from pipelines.score.nights import Night
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.rows import ScoreRow


@dataclass(frozen=True)
class ScoreWorker:
    """Scores chunks of a plan: reads, has lanes do the pixels, writes masks and parts.

    Attributes:
        models: `name@version` of the models, joined by `+`, as rows have it.
        check: What a process checks before it scores; None: nothing.
    """

    night: PlannedNight
    lanes: LaneSettings
    models: str
    check: canaries.Check | None = None

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each chunk has its part; see `chunks.job.ChunkWorker`."""
        if self.check is not None:
            pool = pool_of(attempt, self.lanes)  # before: keeping waits for keeping
            check = functools.partial(self.check.run, self.night, pool)
            attempt.keep(("canaries", self.night.plan.plan_id), check)
        open_chunk = functools.partial(self._open, self.night.items())
        return stream.process(
            chunks,
            open_chunk,
            attempt=attempt,
            lanes=self.lanes,
            reading=reading(self.night.plan),
        )

    def _open(self, pieces: Pieces, chunk: int) -> "_OpenChunk | Counts":
        with self.night.attempted():
            items = pieces.chunk(chunk)
            found = parts.find_counts(self.night, chunk, items=items)
        return _OpenChunk(self, chunk, items) if found is None else found


class _OpenChunk:
    """A chunk whose rows are not all in."""

    def __init__(self, worker: ScoreWorker, chunk: int, items: pa.Table):
        self._night, self._models = worker.night, worker.models
        self._chunk, self._planned = chunk, items
        self._items = items.to_pylist()
        self._rows: list[ScoreRow | None] = [None] * len(self._items)
        self._masks = masks.open_chunk(
            self._night.folder,
            chunk,
            layout=self._night.plan.settings.masks,
            durable=self._night.durable,
        )

    @property
    def size(self) -> int:
        return len(self._items)

    def request(self, index: int) -> Request | Answer:
        """Returns the request for a photo's score, or why it cannot be read."""
        return ask(self._night.plan, self._items[index])

    def take(self, index: int, answer: Answer) -> bool:
        """Takes the answer about an item; returns whether it has a score."""
        item = self._items[index]
        self._rows[index] = row_of(self._night.plan, item, answer, models=self._models)
        if answer.bad is None:
            self._add_masks(item["image_key"], answer.blobs)
        return answer.bad is None

    def _add_masks(self, image_key: str, pngs: Sequence[bytes]) -> None:
        try:
            for png in pngs:
                self._masks.add(image_key, png)
        except OSError as error:
            # Asking for the outcome before each mask would cost a request a photo.
            with self._night.attempted():
                raise error

    def commit(self) -> Counts:
        """Makes the chunk visible, its masks first, its part last."""
        night, chunk, items = self._night, self._chunk, self._planned
        with night.attempted():
            paths = self._masks.finish()
            rows = [
                replace(row, mask_path=paths.get(row.image_key))
                for row in self._rows
                if row is not None
            ]
            masks_bytes = self._masks.total_bytes
            if parts.write_part(
                night, chunk, items=items, rows=rows, masks_bytes=masks_bytes
            ):
                ok = sum(row.status == "ok" for row in rows)
                return Counts(ok, len(rows) - ok, computed=len(rows))
            # First writer wins: use the committed part.
            found = parts.find_counts(night, chunk, items=items)
            if found is None:
                raise FileNotFoundError(
                    errno.ENOENT, "vanished", night.parts.uri(chunk)
                )
        return Counts(found.ok, found.failed, computed=len(rows))


def reading(plan: Plan) -> stream.Reading:
    """Returns how the photos of a night are read ahead."""
    return stream.Reading(threads=files.parallel_reads(plan.settings.input))


def ask(plan: Plan, item: Mapping[str, Any]) -> Request | Answer:
    """Returns the request for the score of a planned item, or why it has none.

    Args:
        plan: The plan.
        item: A row of ITEMS_SCHEMA.
    """
    try:
        photo = inputs.read(item, root=plan.root)
    except BadImage as bad:
        return Answer(bad=bad)
    return Request({}, [photo], name=item["image_uri"])


def row_of(
    plan: Plan, item: Mapping[str, Any], answer: Answer, *, models: str
) -> ScoreRow:
    """Returns the row of an item's answer, without the path of its mask.

    Args:
        plan: The plan.
        item: A row of ITEMS_SCHEMA.
        answer: The answer to `ask`.
        models: See `labels`.
    """
    row = ScoreRow(
        image_key=item["image_key"],
        image_uri=item["image_uri"],
        version=item["version"],
        status="failed",
        models=models,
        fingerprint=plan.fingerprint,
        decode_policy=images.DECODE_POLICY,
    )
    if answer.bad is not None:
        return replace(row, **error_columns(answer.bad))
    return _scored(row, PhotoScore(**answer.reply))


def _scored(row: ScoreRow, score: PhotoScore) -> ScoreRow:
    """Returns a row with the columns of its photo's score."""
    row = replace(
        row,
        status="ok",
        sha256=score.sha256,
        width=score.width,
        height=score.height,
        dominant_class=score.dominant_class,
        mask_sha256=score.mask_sha256,
        aesthetics_ratings=_listed(score.aesthetics_ratings),
        aesthetics_mean=score.aesthetics_mean,
        aesthetics_std=score.aesthetics_std,
        technical_ratings=_listed(score.technical_ratings),
        technical_mean=score.technical_mean,
        technical_std=score.technical_std,
    )
    if score.class_pixels is None:
        return row
    present = [(c, n) for c, n in enumerate(score.class_pixels) if n]
    return replace(
        row,
        segmentation_classes=[class_id for class_id, _ in present],
        segmentation_pixels=[pixels for _, pixels in present],
    )


def _listed(ratings: Sequence[float] | None) -> list[float] | None:
    return None if ratings is None else list(ratings)


def job(
    night: Night,
    *,
    lanes: int | None,
    max_error_rate: float,
    command: str,
    device: Device = DEFAULT_DEVICE,
    check: canaries.Check | None = None,
    accepted: Acceptance | None = None,
) -> ChunkJob:
    """Returns a planned night as the one graph sees it.

    Args:
        night: The night.
        lanes: Scoring processes; one a core if None.
        max_error_rate: Largest share of failed photos of a published night.
        command: What the person typed.
        device: What computes, where that is not the lanes.
        check: What each process checks before it scores.
        accepted: Who publishes the night whatever its gates have against it.
    """
    worker = ScoreWorker(
        night.planned(), lane_settings(night, lanes, device), labels(night), check
    )
    ending = NightEnding(night, max_error_rate, command, accepted=accepted)
    return ChunkJob(
        worker=worker,
        chunks=night.plan.chunks,
        finish=functools.partial(
            finish,
            ending,
            planned=night.plan.planned,
            refusal_uri=night.folder.refusal,
        ),
        planned=night.plan.planned,
        parts=night.parts,
        plan=plan_uri(night.out, night.plan.sequence),
        inputs=_inputs(night),
        steps=_steps(night),
    )


def _steps(night: Night) -> Steps | None:
    """Returns the merging of the table's files, where there are several."""
    count = merging.count_files(night.plan)
    if count == 1:
        return None
    return Steps(count, functools.partial(merging.prepare, night.planned()))


def _inputs(night: Night) -> tuple[str, ...]:
    """Returns what workers read besides the output: a folder of photos, models."""
    built_in = scoring.built_in_names()
    models = [model.name for model in night.models if model.name not in built_in]
    root = night.plan.root
    return (*models, root) if root else tuple(models)


def labels(night: Night) -> str:
    """Returns the models of a night as its rows have them."""
    return "+".join(model.card.label for model in night.models)
