"""A finished night drawn in code: photos, masks, table and summary of `fcn score`."""

import dataclasses
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from fcn_core import images
from fcn_core.labels import RATING_BINS, VOC_CLASSES
from pipelines import files
from pipelines.score.rows import SCORES_SCHEMA

RUN_DATE = "2026-11-20"
NIGHT = f"run_date={RUN_DATE}"
CAT, DOG, PERSON = 8, 12, 15
HOSTILE_NAME = '<img src=x onerror=alert(1)>"\u202egpj.exe\n.jpg'


@dataclasses.dataclass
class FakeNight:
    """Rows are added one by one; `write` makes the output folder of a whole night.

    Attributes:
        root: Holds the photos in `photos` and the output in `out`.
        segmented: Whether a segmentation model ran.
        rated: Whether an aesthetics model ran.
    """

    root: Path
    segmented: bool = True
    rated: bool = True
    rows: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.root / "out"

    def add_photo(
        self,
        name: str,
        *,
        mean: float = 5.0,
        class_id: int = CAT,
        size: tuple[int, int] = (48, 64),
        exif: bytes = b"",
    ) -> dict[str, Any]:
        """Adds a scored photo: a disc of `class_id` on a plain ground."""
        height, width = size
        class_map = np.zeros((height, width), np.uint8)
        image = Image.new("RGB", (width, height), (90, 120, 150))
        box = (width // 4, height // 4, width // 2, height * 3 // 4)
        ImageDraw.Draw(image).ellipse(box, fill=(230, 180, 60))
        disc = Image.fromarray(class_map)
        ImageDraw.Draw(disc).ellipse(box, fill=class_id)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=95, exif=exif)
        row = self._planned(name, buffer.getvalue())
        row |= {"status": "ok", "height": height, "width": width}
        if self.segmented:
            row |= self._mask(row["image_key"], np.asarray(disc))
        if self.rated:
            row |= _ratings(mean)
        self.rows.append(row)
        return row

    def add_failure(self, name: str, reason: str, detail: str = "") -> None:
        row = self._planned(name, b"not a photo")
        row |= {
            "status": "failed",
            "error_stage": "decode",
            "error_reason": reason,
            "error_detail": detail or "the bytes are of no known picture format",
        }
        self.rows.append(row)

    def _planned(self, name: str, data: bytes) -> dict[str, Any]:
        path = self.root / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        uri = files.to_uri(path)
        return {
            "image_key": f"photo-{hashlib.sha256(uri.encode()).hexdigest()[:20]}",
            "image_uri": uri,
            "version": files.version(uri),
            "sha256": hashlib.sha256(data).hexdigest(),
            "models": "+".join(f"{model['name']}@1" for model in self._models()),
            "fingerprint": "f" * 64,
            "decode_policy": 1,
        }

    def _mask(self, key: str, class_map: np.ndarray) -> dict[str, Any]:
        data = images.encode_mask(class_map)
        relative = f"masks/{NIGHT}/00000001/chunk-00000000/{key}.png"
        path = self.out / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        ids, counts = np.unique(class_map, return_counts=True)
        return {
            "segmentation_classes": ids.tolist(),
            "segmentation_pixels": counts.tolist(),
            "dominant_class": int(ids[-1]),
            "mask_path": relative,
            "mask_sha256": hashlib.sha256(data).hexdigest(),
        }

    def _models(self) -> list[dict[str, Any]]:
        plain: dict[str, Any] = {
            "version": "1",
            "notes": "",
            "origin": "",
            "licence": "",
            "metrics": [],
            "classes": None,
            "rating_bins": None,
        }
        voc21 = plain | {
            "name": "voc21",
            "task": "segmentation",
            "fingerprint": "a" * 64,
            "classes": list(VOC_CLASSES),
        }
        quality = plain | {
            "name": "quality",
            "task": "aesthetics",
            "fingerprint": "b" * 64,
            "rating_bins": [float(rating) for rating in RATING_BINS],
        }
        return [voc21] * self.segmented + [quality] * self.rated

    def write(self, *, tables: int = 1, **summary: Any) -> str:
        """Writes table and summary anew; returns the output folder's URI."""
        folder = self.out / "scores" / NIGHT
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number in range(tables):
            table = pa.Table.from_pylist(self.rows[number::tables], SCORES_SCHEMA)
            pq.write_table(table, folder / f"scores-{number:05}-of-{tables:05}.parquet")
        report = self.out / "report" / NIGHT
        report.mkdir(parents=True, exist_ok=True)
        content = json.dumps(self.summary() | summary)
        (report / "summary.json").write_text(content)
        return files.to_uri(self.out)

    def summary(self) -> dict[str, Any]:
        failures: dict[str, int] = {}
        for row in self.rows:
            if row["status"] == "failed":
                reason = row["error_reason"]
                failures[reason] = failures.get(reason, 0) + 1
        failed = sum(failures.values())
        return {
            "run_date": RUN_DATE,
            "kind": "score",
            "verdict": "success",
            "why": None,
            "planned": len(self.rows),
            "ok": len(self.rows) - failed,
            "failed": failed,
            "skipped": 3,
            "waiting": 0,
            "ignored": 0,
            "failures": failures,
            "computed": len(self.rows),
            "seconds": 83.4,
            "images_per_second": 41.7,
            "engine": "openvino",
            "precision": "f32",
            "instruction_set": "avx2",
            "fingerprint": "f" * 64,
            "models": self._models(),
            "command": "fcn score --input 'my photos' --output out",
            "output": "out",
        }


def _ratings(mean: float) -> dict[str, Any]:
    bins = np.array(RATING_BINS, float)
    shares = np.exp(-((bins - mean) ** 2) / 4)
    shares /= shares.sum()
    std = float(np.sqrt((shares * (bins - mean) ** 2).sum()))
    return {
        "aesthetics_ratings": shares.tolist(),
        "aesthetics_mean": mean,
        "aesthetics_std": std,
    }
