"""A night over gs://: what a disk gives, byte for byte, whatever lies where."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doubles import gcs
from tests.doubles.fault_proxy import proxy
from tests.doubles.gcs import Bucket
from tests.runs import gcs_runs, score_runs
from tests.runs.score_runs import fcn
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")

NAMED = ["image_key", "image_uri", "version", "mask_path"]
"""Columns that depend on where a photo is."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return gcs_runs.draw_photos(tmp_path / "photos")


def alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns what must be the same wherever the photos are, by their file names."""
    found = sorted(rows, key=lambda row: row["image_uri"].split("photos/")[1])
    return [{k: v for k, v in row.items() if k not in NAMED} for row in found]


def test_a_bucket_gives_what_a_disk_gives(
    bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    bucket.put_tree(photos, "photos")
    here = gcs_runs.run(photos, tmp_path / "out", "--masks", "tar", "--chunk_size", "4")
    there = gcs_runs.run(bucket.uri("photos"), bucket.uri("out"), "--chunk_size", "4")
    for name in ("planned", "ok", "failed", "ignored", "failures"):
        assert here[name] == there[name]
    local, remote = everything(tmp_path / "out"), bucket.tree("out")
    assert alike(gcs_runs.table(local)) == alike(gcs_runs.table(remote))
    for row in gcs_runs.table(remote):
        if row["status"] == "ok":
            assert ".tar#" in row["mask_path"]
            assert row["mask_path"].partition("#")[0] in remote
    assert "scores/run_date=2026-11-20/_SUCCESS" in remote
    page = remote["report/run_date=2026-11-20/index.html"]
    assert page.count(b"data:image") >= 10
    # Only photos and their places: no half-written file, no merged table.
    assert not [name for name in remote if name.endswith(".tmp") or "/table/" in name]
    assert gcs_runs.run(bucket.uri("photos"), bucket.uri("out"), "--chunk_size", "4")[
        "skipped"
    ] == len(gcs_runs.table(remote))


def test_the_same_photos_give_the_same_bytes_in_either_output(
    bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    bucket.put_tree(photos, "photos")
    for masks in ("tar", "png"):
        local, remote = tmp_path / f"out-{masks}", f"out-{masks}"
        gcs_runs.run(bucket.uri("photos"), local, "--masks", masks, "--chunk_size", "4")
        gcs_runs.run(
            bucket.uri("photos"),
            bucket.uri(remote),
            "--masks",
            masks,
            "--chunk_size",
            "4",
        )
        here, there = everything(local), bucket.tree(remote)
        for tree in (here, there):
            tree.pop("report/run_date=2026-11-20/summary.json")
            tree.pop(
                "report/run_date=2026-11-20/index.html"
            )  # it says how long it took
        assert here == there


def test_a_manifest_mixes_stores(bucket: Bucket, photos: Path, tmp_path: Path) -> None:
    bucket.put_tree(photos, "photos")
    lines = [bucket.uri("photos/photo-000.jpg"), "photo-001.jpg", "gone.jpg"]
    (photos / "list.txt").write_text("\n".join([*lines, bucket.uri("photos/no.jpg")]))
    summary = gcs_runs.run(photos / "list.txt", tmp_path / "out")
    assert (summary["ok"], summary["failures"]) == (2, {"vanished": 2})
    bucket.put("photos/list.csv", b"image_uri\nphoto-000.jpg\nsub/photo-020.jpg\n")
    there = gcs_runs.run(bucket.uri("photos/list.csv"), bucket.uri("out"))
    assert there["ok"] == 2
    glob = gcs_runs.run(bucket.uri("photos/**/photo-*.jpg"), tmp_path / "out2")
    assert glob["ok"] == 10


def test_the_other_commands_know_the_store(
    bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    bucket.put_tree(photos, "photos")
    out = bucket.uri("out")
    gcs_runs.run(bucket.uri("photos"), out)
    (night,) = json.loads(fcn("status", out, "--json").stdout)
    assert (night["state"], night["damage"]) == ("committed", None)
    assert json.loads(fcn("report", out, "--json").stdout)["page"].startswith(out)
    checked = fcn("check", out, "--masks", "all")
    assert checked.code == 0, checked.stdout + checked.stderr
    name = next(name for name in bucket.names("out/masks") if name.endswith(".tar"))
    whole = bucket.get(name)
    bucket.put(name, whole[:-700] + b"x" + whole[-699:])
    assert fcn("check", out, "--masks", "all").code != 0
    mended = fcn("check", out, "--masks", "all", "--mend")
    assert mended.code == 0, mended.stdout + mended.stderr
    assert bucket.get(name) == whole
    bucket.put("photos/broken.jpg", (photos / "photo-001.jpg").read_bytes())
    replayed = fcn("replay", out, "--json")
    assert replayed.code == 0, replayed.stderr
    assert json.loads(replayed.stdout)["ok"] == 1
    gcs_runs.run(
        bucket.uri("photos"), out, "--limit", "1", "--rescore", night="2026-11-25"
    )
    states = json.loads(fcn("status", out, "--json").stdout)
    assert {state["state"] for state in states} == {"committed"}


def test_an_open_night_is_discarded(bucket: Bucket, photos: Path) -> None:
    bucket.put_tree(photos, "photos")
    out = bucket.uri("out")
    ended = score_runs.score(  # nothing of it can succeed
        bucket.uri("photos/broken.jpg"),
        out,
    )
    assert ended.code == 3
    discarded = fcn("discard", out, "--run_date", score_runs.NIGHT, "--json")
    assert json.loads(discarded.stdout)["freed"] == 1
    assert not bucket.names("out/_runs/run_date=2026-11-20/00000001/parts")
    assert gcs_runs.run(bucket.uri("photos"), out)["ok"] == 10


def test_a_model_in_a_bucket(
    bucket: Bucket,
    photos: Path,
    tmp_path: Path,
    segmentation_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FCN_CACHE", str(tmp_path / "cache"))
    bucket.put_tree(segmentation_bundle, "models/seg")
    named = ["--model", bucket.uri("models/seg")]
    there = gcs_runs.run(photos, tmp_path / "out", *named)
    here = gcs_runs.run(photos, tmp_path / "out2", "--model", str(segmentation_bundle))
    assert there["ok"] == here["ok"] == 10
    rows = [gcs_runs.table(everything(tmp_path / name)) for name in ("out", "out2")]
    assert alike(rows[0]) == alike(rows[1])
    (cached,) = (p for p in (tmp_path / "cache").iterdir() if p.is_dir())
    assert everything(cached) == everything(segmentation_bundle)
    missing = score_runs.score(
        photos, tmp_path / "out3", "--model", bucket.uri("models/no")
    )
    assert missing.code == 2 and "there is no model" in missing.stderr


@pytest.mark.parametrize("what", ["input", "output"])
def test_a_bucket_that_is_not_there_is_one_line(
    what: str, bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    del bucket
    missing = "gs://no-such-bucket/x"
    ended = (
        score_runs.score(missing, tmp_path / "out")
        if what == "input"
        else score_runs.score(photos, missing)
    )
    assert ended.code == 2
    assert ended.stderr.count("\n") == 1 and missing in ended.stderr
    assert not (tmp_path / "out").exists()


def test_no_credentials_is_one_line_within_seconds(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    gcs.forget()
    started = time.monotonic()
    ended = score_runs.score("gs://some-bucket/photos", tmp_path / "out")
    assert ended.code == 2
    assert ended.stderr.count("\n") == 1 and "got no credentials" in ended.stderr
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("denied", "code"),
    [(gcs_runs.is_listing, 2), (gcs_runs.is_writing, 2), (gcs_runs.is_reading, 1)],
)
def test_a_missing_right_is_one_line_and_nothing_is_committed(
    denied: Callable[[str, str], bool],
    code: int,
    bucket: Bucket,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket.put_tree(photos, "photos")
    out = bucket.uri("out")
    with proxy(bucket.address) as refusing:
        gcs.use(refusing.address, monkeypatch)
        refusing.denied = denied
        started = time.monotonic()
        ended = score_runs.score(bucket.uri("photos"), out)
        assert code == 1 or time.monotonic() - started < 5
        assert ended.code == code
        line = ended.stderr.splitlines()[-1]
        assert "got no right to it (HTTP 403)" in line and "roles/storage" in line
        assert "Traceback" not in ended.stderr
        assert not bucket.names("out/scores")
        refusing.denied = lambda *_: False  # the right is granted
        assert gcs_runs.run(bucket.uri("photos"), out)["ok"] == 10
