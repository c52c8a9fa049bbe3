"""Plans of nights and the rows of their photos, drawn in code."""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.score import masks, parts, publish, sequence
from pipelines.score.commit import Commit
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.layout import NightFolder
from pipelines.score.pending import is_held
from pipelines.score.photos import Chosen, Photos
from pipelines.score.plan import Draft, Items, Plan, PlannedNight, ScoreSettings
from pipelines.score.rows import ScoreRow

NIGHT = "2026-11-20"
REASONS = ("corrupt", "timeout", "corrupt", "vanished")

SETTINGS = ScoreSettings(
    input="/photos",
    model=("voc21", "quality"),
    model_fingerprints=("1" * 64, "2" * 64),
    engine="openvino",
    precision="f32",
    instruction_set="avx2",
    max_side=None,
    tile=None,
    masks="png",
    chunk_size=4,
    limit=None,
)


def photos(*numbers: int) -> pa.Table:
    uris = [f"/photos/{number:06}.jpg" for number in sorted(numbers)]
    versions = [f"{number}-1" for number in sorted(numbers)]
    nulls = pa.nulls(len(uris), pa.int64())
    return pa.table([uris, versions, nulls, nulls], schema=LISTING_SCHEMA)


def new_photos(out: Path | str, items: pa.Table, earlier: Sequence[Plan]) -> Chosen:
    """Returns the items that no earlier plan has."""
    listed = Photos([items])
    return Chosen(listed, ~is_held(str(out), listed, earlier))


def draft(items: Items, **settings: Any) -> Draft:
    changed = SETTINGS.model_copy(update=settings)
    return Draft("score", changed, "f" * 64, "/photos", items)


def freeze(
    out: Path | str, items: pa.Table, *, night: str = NIGHT, chunk_size: int = 4
) -> tuple[Plan, bool]:
    """Freezes a night of all items that no earlier plan has."""

    def decide(earlier: Sequence[Plan]) -> Draft:
        return draft(new_photos(out, items, earlier), chunk_size=chunk_size)

    return sequence.freeze(NightFolder(str(out), night), decide)


def uris_of(out: Path | str, frozen: Plan) -> list[str]:
    items = PlannedNight(str(out), frozen).items()
    return [
        uri
        for chunk in range(frozen.chunks)
        for uri in items.chunk(chunk)["image_uri"].to_pylist()
    ]


def plan_night(out: Path, count: int, **options: Any) -> PlannedNight:
    """Plans a night of so many photos; those of another night are others."""
    night = options.get("night", NIGHT)
    uris = [f"/photos/{night}/{number:04}.jpg" for number in range(count)]
    nulls = pa.nulls(count, pa.int64())
    columns = [uris, ["1-1"] * count, nulls, nulls]
    items = pa.table(columns, schema=LISTING_SCHEMA)
    return PlannedNight(str(out), freeze(out, items, **options)[0])


def row_of(night: PlannedNight, item: dict[str, Any], number: int) -> ScoreRow:
    """Returns a row; every fifth photo failed, the others' masks are not written."""
    known = {
        "image_key": item["image_key"],
        "image_uri": item["image_uri"],
        "version": item["version"],
        "models": "voc21@1+quality@1",
        "fingerprint": "f" * 64,
        "decode_policy": 1,
    }
    if number % 5 == 0:
        return ScoreRow(
            **known,
            status="failed",
            error_stage="decode",
            error_reason=REASONS[number // 5 % len(REASONS)],
            error_detail=f"drawn {number}",
        )
    folder = night.folder.masks.removeprefix(f"{night.out}/")
    return ScoreRow(
        **known,
        status="ok",
        sha256=hashlib.sha256(b"%d" % number).hexdigest(),
        width=640,
        height=480,
        segmentation_classes=[0, 8, 15],
        segmentation_pixels=[number, 3 * 10**9, 7],
        dominant_class=8,
        mask_path=f"{folder}/chunk-00000000/{item['image_key']}.png",
        mask_sha256="e" * 64,
        aesthetics_ratings=[0.25, 0.5, 0.25],
        aesthetics_mean=5.5,
        aesthetics_std=1.5,
    )


def rows_of(night: PlannedNight, chunk: int) -> tuple[pa.Table, list[ScoreRow]]:
    items = night.items().chunk(chunk)
    numbers = itertools.count(chunk * night.plan.chunk_size)
    return items, [row_of(night, item, next(numbers)) for item in items.to_pylist()]


def write_part(night: PlannedNight, chunk: int) -> bool:
    items, rows = rows_of(night, chunk)
    paths = [row.mask_path for row in rows if row.mask_path is not None]
    masks_bytes = masks.total_bytes(night.out, paths)
    return parts.write_part(
        night, chunk, items=items, rows=rows, masks_bytes=masks_bytes
    )


def draw_night(out: Path, count: int, **options: Any) -> PlannedNight:
    """Plans a night and writes all its parts."""
    night = plan_night(out, count, **options)
    for chunk in range(night.plan.chunks):
        assert write_part(night, chunk)
    return night


def publish_night(night: PlannedNight) -> Commit:
    return publish.publish(night, parts.add_up(night))
