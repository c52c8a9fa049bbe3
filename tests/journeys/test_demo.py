"""`fcn demo` as a new user meets it: one command, its results, and a second run."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fcn_core.labels import VOC_CLASSES

ROOT = Path(__file__).resolve().parents[2]


def _demo(output: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pipelines.cli",
            "demo",
            "--output",
            str(output),
            *flags,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("demo") / "demo-out"
    done = _demo(output)
    assert done.returncode == 0, done.stderr
    (output.parent / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return output


@pytest.fixture(scope="module")
def rows(output: Path) -> dict[str, dict[str, Any]]:
    table = pd.read_parquet(output / "scores")
    return {Path(row["image_uri"]).name: row for row in table.to_dict(orient="records")}


def _share(row: dict[str, Any], name: str) -> float:
    pixels = dict(
        zip(row["segmentation_classes"], row["segmentation_pixels"], strict=True)
    )
    return pixels.get(VOC_CLASSES.index(name), 0) / (row["width"] * row["height"])


@pytest.mark.parametrize(
    ("photo", "name"),
    [("astronaut.jpg", "person"), ("cat.jpg", "cat"), ("motorbike.jpg", "motorbike")],
)
def test_finds_what_is_in_the_photo(
    rows: dict[str, dict[str, Any]], photo: str, name: str
) -> None:
    row = rows[photo]
    assert row["dominant_class"] == VOC_CLASSES.index(name)
    assert _share(row, name) > 0.1


def test_a_blurred_copy_scores_below_its_original(
    rows: dict[str, dict[str, Any]],
) -> None:
    blurred = [name for name in rows if "_blurred" in name]
    assert len(blurred) >= 3
    for name in blurred:
        original = rows[name.replace("_blurred", "")]
        assert rows[name]["aesthetics_mean"] < original["aesthetics_mean"], name


def test_broken_files_are_rows_with_reasons(rows: dict[str, dict[str, Any]]) -> None:
    failed = {
        name: row["error_reason"]
        for name, row in rows.items()
        if row["status"] == "failed"
    }
    assert sorted(failed.values()) == ["corrupt", "not-an-image"]
    assert all(name.endswith(".jpg") for name in failed)


def test_unusual_files_are_scored(rows: dict[str, dict[str, Any]]) -> None:
    unusual = [
        name
        for name in rows
        if any(word in name for word in ("cmyk", "turned", "rotated", "16"))
    ]
    assert len(unusual) == 3
    assert {rows[name]["status"] for name in unusual} == {"ok"}


def test_says_counts_scores_and_where_the_page_is(output: Path) -> None:
    printed = (output.parent / "printed.txt").read_text(encoding="utf-8")
    assert "planned" in printed
    assert "2 failed" in printed
    assert "\naesthetics  " in printed and "\ntechnical   " in printed
    pages = list(output.glob("report/run_date=*/index.html"))
    assert len(pages) == 1
    assert str(pages[0]) in printed


def test_a_second_run_skips_everything(output: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in output.rglob("*") if p.is_file()}
    done = _demo(output)
    assert done.returncode == 0, done.stderr
    count = sum(1 for path in (output / "photos").iterdir())
    assert f"{count} skipped" in done.stdout
    after = {p: p.stat().st_mtime_ns for p in output.rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.slow
def test_goes_through_all_steps_on_a_drawn_voc(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--train")
    assert done.returncode == 0, done.stderr
    for step in ("convert", "train", "export", "score"):
        assert f"$ fcn {step} " in done.stdout
    table = pd.read_parquet(tmp_path / "road/out/scores")
    assert set(table["status"]) == {"ok"}
    # It has learned something: more than the background is found.
    assert (table["dominant_class"] > 0).mean() > 0.5
    again = _demo(tmp_path, "--train")
    assert again.returncode == 0, again.stderr
    assert f"{len(table)} skipped" in again.stdout
