"""Two published nights of an output, whose rows a test chooses."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fcn_core.labels import RATING_BINS
from pipelines import files
from pipelines.score.layout import NightFolder
from pipelines.score.rows import SCORES_SCHEMA

BEFORE, AFTER = "2026-11-19", "2026-11-20"
CLASSES = ("background", "cat", "dog")

Row = dict[str, Any]


def row(number: int, **changes: Any) -> Row:
    """Returns the row of a photo: a cat on a tenth of it, both ratings 5."""
    uri = f"/photos/{number:06}.jpg"
    known = {
        "image_key": f"photo-{hashlib.sha256(uri.encode()).hexdigest()[:20]}",
        "image_uri": uri,
        "version": "1-1",
        "sha256": hashlib.sha256(uri.encode()).hexdigest(),
        "status": "ok",
        "width": 10,
        "height": 10,
        "segmentation_classes": [0, 1],
        "segmentation_pixels": [90, 10],
        "dominant_class": 1,
        "aesthetics_mean": 5.0,
        "technical_mean": 5.0,
        "models": "voc21@1+quality@1",
        "fingerprint": "f" * 64,
        "decode_policy": 1,
    }
    return {**known, **changes}


def failed(number: int, reason: str = "corrupt", **changes: Any) -> Row:
    """Returns the row of a photo that could not be used."""
    names = ("sha256", "width", "height", "dominant_class", "aesthetics_mean")
    more = ("segmentation_classes", "segmentation_pixels", "technical_mean")
    empty = dict.fromkeys((*names, *more))
    why = {"status": "failed", "error_stage": "decode", "error_reason": reason}
    return row(number, **empty, **why, error_detail="drawn", **changes)


def write(
    out: Path, night: str, rows: Sequence[Row], *, classes: Sequence[str] = CLASSES
) -> NightFolder:
    """Writes table and summary of a night, which has no plan."""
    folder = NightFolder(files.to_uri(out), night)
    path = Path(folder.scores)
    path.mkdir(parents=True)
    table = pa.Table.from_pylist(list(rows), SCORES_SCHEMA)
    pq.write_table(table, path / "scores-00000-of-00001.parquet")
    (path / "_SUCCESS").touch()
    Path(folder.report).mkdir(parents=True)
    Path(folder.summary).write_text(json.dumps(_summary(night, rows, classes)))
    return folder


def _summary(night: str, rows: Sequence[Row], classes: Sequence[str]) -> dict[str, Any]:
    plain = {"version": "1", "notes": "", "origin": "", "licence": "", "metrics": []}
    bins = [float(rating) for rating in RATING_BINS]
    tasks = {"segmentation": None, "aesthetics": bins, "technical": bins}
    models = [
        plain
        | {
            "name": task,
            "task": task,
            "fingerprint": "a" * 64,
            "classes": None if rated else list(classes),
            "rating_bins": rated,
        }
        for task, rated in tasks.items()
    ]
    bad = sum(row["status"] == "failed" for row in rows)
    counts = {"planned": len(rows), "ok": len(rows) - bad, "failed": bad}
    nothing = dict.fromkeys(("skipped", "waiting", "ignored", "computed"), 0)
    words = (
        "engine",
        "precision",
        "instruction_set",
        "fingerprint",
        "command",
        "output",
    )
    return {
        "run_date": night,
        "kind": "score",
        "verdict": "success",
        "why": None,
        "failures": {},
        "seconds": 1.0,
        "images_per_second": 1.0,
        "models": models,
        **counts,
        **nothing,
        **dict.fromkeys(words, "drawn"),
    }
