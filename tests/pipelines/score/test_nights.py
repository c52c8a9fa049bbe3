"""Nights of one output: what is new is scored, once, and nothing else changes."""

import io
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fcn_core import scoring
from fcn_core.bundles.card import CARD_NAME, ModelCard
from fcn_core.bundles.seal import seal
from fcn_core.records import tfrecord
from tests.drawn import tiny_models
from tests.runs import score_runs
from tests.runs.score_runs import LATER, NIGHT
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    score_runs.add_photos(folder, 5)
    return folder


def _times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


def test_the_same_night_again_skips_all_and_changes_nothing(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = score_runs.scored(photos, out, "--chunk_size=2")
    assert (first["planned"], first["computed"], first["skipped"]) == (5, 5, 0)
    before, times = everything(out), _times(out)
    again = score_runs.scored(photos, out, "--chunk_size=2")
    assert (again["ok"], again["computed"], again["skipped"]) == (5, 0, 5)
    ended = score_runs.score(photos, out, "--chunk_size=2")
    assert "all 5 skipped" in ended.stderr
    assert "5 skipped" in ended.stdout
    assert everything(out) == before
    assert _times(out) == times


def test_a_photo_after_the_plan_waits_for_the_next_night(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    before = everything(out)
    score_runs.add_photos(photos, 1, first=5)
    ended = score_runs.score(photos, out)
    assert ended.code == 0
    assert "1 not in the plan wait for the next night" in ended.stderr
    assert everything(out) == before
    next_night = score_runs.scored(photos, out, night=LATER[0])
    assert (next_night["planned"], next_night["computed"]) == (1, 1)
    assert next_night["skipped"] == 5
    assert list(score_runs.by_name(score_runs.table(out, LATER[0]))) == [
        "photo-005.jpg"
    ]


def test_a_replaced_photo_is_scored_as_a_new_version(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    (old,) = (r for r in score_runs.table(out) if "photo-001" in r["image_uri"])
    score_runs.rewrite(photos / "photo-001.jpg", tiny_models.draw_photo(seed=77))
    summary = score_runs.scored(photos, out, night=LATER[0])
    assert (summary["planned"], summary["skipped"]) == (1, 4)
    (new,) = score_runs.table(out, LATER[0])
    assert new["image_uri"] == old["image_uri"]
    assert new["version"] != old["version"]
    assert new["sha256"] != old["sha256"]
    assert new["mask_sha256"] != old["mask_sha256"]
    assert old in score_runs.table(out)


def test_a_night_without_new_photos_is_an_empty_table(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    summary = score_runs.scored(photos, out, night=LATER[0])
    assert (summary["planned"], summary["computed"], summary["skipped"]) == (0, 0, 5)
    assert score_runs.table(out, LATER[0]) == []
    frame = pandas.read_parquet(out / "scores")
    assert Counter(frame["run_date"]) == {NIGHT: 5}
    assert (out / "report" / f"run_date={LATER[0]}" / "index.html").exists()


_CHANGES = {
    "chunk_size": "--chunk_size=3",
    "limit": "--limit=4",
    "masks": "--masks=tar",
    "max_side": "--max_side=64",
}


def test_other_settings_in_the_same_night_name_the_difference(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score_runs.leave_open(photos, out)
    before = everything(out)
    for name, flag in _CHANGES.items():
        ended = score_runs.score(photos, out, flag)
        assert ended.code == 2
        line = ended.stderr.removesuffix("\n")
        assert line.startswith(f"fcn: {name}: got {flag.partition('=')[2]}, expected ")
        assert "\n" not in line
    other = score_runs.score(f"{photos}/*.jpg", out)
    assert (other.code, other.stderr.split(":")[1]) == (2, " input")
    assert everything(out) == before


def _other_voc21(folder: Path) -> Path:
    """Writes voc21 with another padding: other scores, another fingerprint."""
    bundle = scoring.find_bundle("voc21")
    for path in bundle.rglob("*"):
        if path.is_file() and path.name != CARD_NAME:
            target = folder / path.relative_to(bundle)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    card = ModelCard.read(bundle)
    card = card.model_copy(update={"padding_value": (0, 0, 0), "version": "other"})
    seal(card, folder, network=card.network).write(folder)
    return folder


@pytest.mark.parametrize("change", ["model", "max_side"])
def test_scoring_all_again_must_be_meant(
    photos: Path, tmp_path: Path, change: str
) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out, "--model", "voc21")
    model = str(_other_voc21(tmp_path / "other")) if change == "model" else "voc21"
    flags = ["--model", model]
    if change == "max_side":
        flags.append("--max_side=64")
    before = everything(out)
    ended = score_runs.score(photos, out, *flags, night=LATER[0])
    assert ended.code == 2
    assert ended.stderr.startswith("fcn: 5 photos would be scored again")
    assert "--rescore" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert everything(out) == before
    summary = score_runs.scored(photos, out, *flags, "--rescore", night=LATER[0])
    assert (summary["planned"], summary["ok"], summary["skipped"]) == (5, 5, 0)
    first, second = score_runs.table(out), score_runs.table(out, LATER[0])
    assert [row["version"] for row in first] == [row["version"] for row in second]
    assert {row["fingerprint"] for row in first}.isdisjoint(
        row["fingerprint"] for row in second
    )


def test_a_night_far_above_the_usual_must_be_meant(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for number, night in enumerate((NIGHT, *LATER[:2])):
        score_runs.add_photos(photos, 1, first=5 + number)
        score_runs.scored(photos, out, night=night)
    for number in range(201):
        (photos / f"empty-{number}.jpg").touch()
    ended = score_runs.score(photos, out, night=LATER[2])
    assert ended.code == 2
    assert "got 201 new photos, expected at most 200" in ended.stderr
    limited = score_runs.leave_open(photos, out, "--limit=2", night=LATER[2])
    assert (limited.plan.planned, limited.skipped, limited.waiting) == (2, 8, 199)


def test_a_limit_leaves_the_rest_for_the_next_night(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    summary = score_runs.scored(photos, out, "--limit=3")
    assert (summary["planned"], summary["skipped"], summary["waiting"]) == (3, 0, 2)
    summary = score_runs.scored(photos, out, "--limit=3", night=LATER[0])
    assert (summary["planned"], summary["skipped"], summary["waiting"]) == (2, 3, 0)
    both = score_runs.table(out) + score_runs.table(out, LATER[0])
    assert sorted(score_runs.by_name(both)) == [f"photo-00{n}.jpg" for n in range(5)]


@pytest.fixture(scope="module")
def folder_scored(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Returns a folder of photos and the rows of a night that listed the folder."""
    root = tmp_path_factory.mktemp("inputs")
    score_runs.add_photos(root / "photos", 5)
    score_runs.scored(root / "photos", root / "out", "--chunk_size=2")
    return root / "photos", score_runs.by_name(score_runs.table(root / "out"))


def _text_manifest(photos: Path) -> Path:
    manifest = photos.parent / "list.txt"
    names = [f"photos/{path.name}" for path in sorted(photos.glob("*.jpg"))]
    manifest.write_text("\n".join([*names, names[0], "photos/gone.jpg"]))
    return manifest


def _csv_manifest(photos: Path) -> Path:
    manifest = photos / "list.csv"
    lines = [f"x,{path.name}" for path in sorted(photos.glob("*.jpg"))]
    manifest.write_text("\n".join(["note,image_uri", *lines]))
    return manifest


def _parquet_manifest(photos: Path) -> Path:
    manifest = photos.parent / "list.parquet"
    uris = [str(path) for path in sorted(photos.glob("*.jpg"))]
    pq.write_table(pa.table({"image_uri": uris}), manifest)
    return manifest


def _glob(photos: Path) -> str:
    (photos / "note.txt").write_text("not matched")
    return f"{photos}/*.jpg"


def _records(photos: Path) -> Path:
    path = photos.parent / "photos.tfrecord"
    file = io.BytesIO()
    for photo in sorted(photos.glob("*.jpg")):
        example = tfrecord.example_class()()
        encoded = example.features.feature["image/encoded"].bytes_list.value
        encoded.append(photo.read_bytes())
        tfrecord.write_frame(file, example.SerializeToString())
    path.write_bytes(file.getvalue())
    return path


@pytest.mark.parametrize(
    ("make", "missing"),
    [
        (_text_manifest, ["gone.jpg"]),
        (_csv_manifest, []),
        (_parquet_manifest, []),
        (_glob, []),
        (_records, []),
    ],
)
def test_every_kind_of_input_scores_the_same_photos(
    folder_scored: tuple[Path, dict[str, dict[str, Any]]],
    tmp_path: Path,
    make: Callable[[Path], Path | str],
    missing: list[str],
) -> None:
    photos, expected = folder_scored
    names = sorted(expected)
    source, out = make(photos), tmp_path / "out"
    score_runs.scored(source, out, "--chunk_size=2")
    rows = score_runs.by_name(score_runs.table(out))
    if make is _records:
        named = {f"photos.tfrecord#{number}": name for number, name in enumerate(names)}
        rows = {named[record]: row for record, row in rows.items()}
    assert sorted(rows) == sorted([*names, *missing])
    where = ("image_key", "image_uri", "version", "mask_path")
    for name in names:
        kept = {k: v for k, v in expected[name].items() if k not in where}
        assert {k: v for k, v in rows[name].items() if k not in where} == kept
    assert [rows[name]["error_reason"] for name in missing] == ["vanished"] * len(
        missing
    )
    again = score_runs.scored(source, out, "--chunk_size=2", night=LATER[0])
    assert (again["planned"], again["skipped"]) == (0, len(rows))
