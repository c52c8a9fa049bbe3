"""Nights over gs:// in this process, and what tests look at."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.runs import score_runs


def draw_photos(folder: Path) -> Path:
    """Fills a folder with ten photos, a broken one and a file that is none."""
    score_runs.add_photos(folder, 7)
    (folder / "sub").mkdir()
    score_runs.add_photos(folder / "sub", 3, first=20)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    (folder / "notes.txt").write_text("no photo")
    return folder


def table(tree: dict[str, bytes]) -> list[dict[str, Any]]:
    files = [name for name in sorted(tree) if name.startswith("scores/")]
    tables = [
        pq.read_table(pa.BufferReader(tree[name]))
        for name in files
        if name.endswith(".parquet")
    ]
    return pa.concat_tables(tables).to_pylist()


def run(
    photos: Path | str, out: Path | str, *more: str, night: str = score_runs.NIGHT
) -> Any:
    ended = score_runs.score(photos, out, *more, "--json", night=night)
    assert ended.code == 0, ended.stderr
    return json.loads(ended.stdout)


def is_listing(method: str, path: str) -> bool:
    return method == "GET" and "/o?" in path


def is_reading(method: str, path: str) -> bool:
    return method == "GET" and "/download/" in path and "photos%2F" in path


def is_writing(method: str, path: str) -> bool:
    return method == "POST" and path.startswith("/upload/")
