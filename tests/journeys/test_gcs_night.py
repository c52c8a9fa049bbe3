"""A night over gs://: what a disk gives, byte for byte, whatever lies where."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.runners import launch
from pipelines.runners.engine import LOCAL
from pipelines.score import nights, worker
from pipelines.score.config import ScoreConfig
from tests.doubles import gcs
from tests.doubles.fault_proxy import proxy
from tests.doubles.gcs import Bucket
from tests.runs import score_runs
from tests.runs.score_runs import NIGHT, fcn
from tests.runs.trees import everything

NAMED = ["image_key", "image_uri", "version", "mask_path"]
"""Columns that depend on where a photo is."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
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


def alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns what must be the same wherever the photos are, by their file names."""
    found = sorted(rows, key=lambda row: row["image_uri"].split("photos/")[1])
    return [{k: v for k, v in row.items() if k not in NAMED} for row in found]


def run(
    photos: Path | str, out: Path | str, *more: str, night: str = score_runs.NIGHT
) -> Any:
    ended = score_runs.score(photos, out, *more, "--json", night=night)
    assert ended.code == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_bucket_gives_what_a_disk_gives(
    bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    bucket.put_tree(photos, "photos")
    here = run(photos, tmp_path / "out", "--masks", "tar", "--chunk_size", "4")
    there = run(bucket.uri("photos"), bucket.uri("out"), "--chunk_size", "4")
    for name in ("planned", "ok", "failed", "ignored", "failures"):
        assert here[name] == there[name]
    local, remote = everything(tmp_path / "out"), bucket.tree("out")
    assert alike(table(local)) == alike(table(remote))
    for row in table(remote):
        if row["status"] == "ok":
            assert ".tar#" in row["mask_path"]
            assert row["mask_path"].partition("#")[0] in remote
    assert "scores/run_date=2026-11-20/_SUCCESS" in remote
    page = remote["report/run_date=2026-11-20/index.html"]
    assert page.count(b"data:image") >= 10
    # Only photos and their places: no half-written file, no merged table.
    assert not [name for name in remote if name.endswith(".tmp") or "/table/" in name]
    assert run(bucket.uri("photos"), bucket.uri("out"), "--chunk_size", "4")[
        "skipped"
    ] == len(table(remote))


def test_the_same_photos_give_the_same_bytes_in_either_output(
    bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    bucket.put_tree(photos, "photos")
    for masks in ("tar", "png"):
        local, remote = tmp_path / f"out-{masks}", f"out-{masks}"
        run(bucket.uri("photos"), local, "--masks", masks, "--chunk_size", "4")
        run(
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
    summary = run(photos / "list.txt", tmp_path / "out")
    assert (summary["ok"], summary["failures"]) == (2, {"vanished": 2})
    bucket.put("photos/list.csv", b"image_uri\nphoto-000.jpg\nsub/photo-020.jpg\n")
    there = run(bucket.uri("photos/list.csv"), bucket.uri("out"))
    assert there["ok"] == 2
    glob = run(bucket.uri("photos/**/photo-*.jpg"), tmp_path / "out2")
    assert glob["ok"] == 10


def test_the_other_commands_know_the_store(
    bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    bucket.put_tree(photos, "photos")
    out = bucket.uri("out")
    run(bucket.uri("photos"), out)
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
    run(bucket.uri("photos"), out, "--limit", "1", "--rescore", night="2026-11-25")
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
    assert run(bucket.uri("photos"), out)["ok"] == 10


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
    there = run(photos, tmp_path / "out", *named)
    here = run(photos, tmp_path / "out2", "--model", str(segmentation_bundle))
    assert there["ok"] == here["ok"] == 10
    rows = [table(everything(tmp_path / name)) for name in ("out", "out2")]
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


def is_listing(method: str, path: str) -> bool:
    return method == "GET" and "/o?" in path


def is_reading(method: str, path: str) -> bool:
    return method == "GET" and "/download/" in path and "photos%2F" in path


def is_writing(method: str, path: str) -> bool:
    return method == "POST" and path.startswith("/upload/")


@pytest.mark.parametrize(
    ("denied", "code"), [(is_listing, 2), (is_writing, 2), (is_reading, 1)]
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
        assert run(bucket.uri("photos"), out)["ok"] == 10


def test_names_that_are_only_possible_in_a_bucket(
    bucket: Bucket, photos: Path, tmp_path: Path
) -> None:
    data = (photos / "photo-000.jpg").read_bytes()
    names = ["new\nline.jpg", "deep//twice.jpg", "../up.jpg", "<b>.jpg", "#1.jpg"]
    names += ["é" * 400 + ".jpg", "sp ace.jpg", "=cmd.jpg", "\u202etxt.jpg"]
    names += [1016 * "x" + ".jpg", 508 * "é" + ".jpg"]  # 1,024 bytes, the most
    for name in names:
        bucket.put(f"odd/{name}", data)
    bucket.put("odd/folder.jpg/", b"")  # stands for a folder
    summary = run(bucket.uri("odd"), bucket.uri("out"))
    assert (summary["planned"], summary["ok"]) == (len(names), len(names))
    rows = table(bucket.tree("out"))
    assert {row["image_uri"] for row in rows} == {bucket.uri("odd", n) for n in names}
    assert len({row["image_key"] for row in rows}) == len(names)
    assert fcn("check", bucket.uri("out"), "--masks", "all").code == 0


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_a_worker_whose_clock_is_wrong_ends_the_night(
    bucket: Bucket, photos: Path, skew: float
) -> None:
    """One machine plans, another one, an hour behind or ahead, does the work."""
    bucket.put_tree(photos, "photos")
    where = (bucket.uri("photos"), bucket.uri("right"), bucket.uri("wrong"))
    run(where[0], where[1])
    config, _ = ScoreConfig.parse(score_runs.words(where[0], where[2])[1:])
    planned = nights.plan_night(config)
    job = worker.job(planned, lanes=1, max_error_rate=1, command="")
    right = time.time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: right() + skew)
        with Attempt() as attempt:
            launch.run(job, LOCAL, attempt)
    found = json.loads(bucket.tree("wrong")[f"report/run_date={NIGHT}/summary.json"])
    assert (found["ok"], found["failed"]) == (10, 1)
    assert (found["seconds"] > 3600) is (skew > 0)
    assert 0 <= found["images_per_second"] < 1000
    right_rows, wrong_rows = table(bucket.tree("right")), table(bucket.tree("wrong"))
    assert right_rows == wrong_rows


def test_an_output_below_its_input_is_not_read(bucket: Bucket, photos: Path) -> None:
    bucket.put_tree(photos, "photos")
    for night, skipped in ((score_runs.NIGHT, 0), ("2026-11-25", 11)):
        out = bucket.uri("photos/out")
        ended = run(bucket.uri("photos"), out, "--masks", "png", night=night)
        assert (ended["planned"], ended["skipped"]) == (11 - skipped, skipped)
    refused = score_runs.score(bucket.uri("photos/out/masks"), out)
    assert refused.code == 2 and "got results of --output" in refused.stderr


def test_photos_that_change_after_the_plan(bucket: Bucket, photos: Path) -> None:
    """A launch that is refused its first photo has planned; then the bucket changes."""
    bucket.put_tree(photos, "photos")
    out, first = bucket.uri("out"), (photos / "photo-000.jpg").read_bytes()
    with proxy(bucket.address) as refusing, pytest.MonkeyPatch.context() as patch:
        gcs.use(refusing.address, patch)
        refusing.denied = is_reading
        assert score_runs.score(bucket.uri("photos"), out).code == 1
    gcs.forget()
    bucket.remove("photos/photo-001.jpg")
    bucket.put("photos/photo-002.jpg", first)
    bucket.put("photos/photo-003.jpg", (photos / "photo-003.jpg").read_bytes())
    summary = run(bucket.uri("photos"), out)
    assert summary["failures"] == {
        "changed-while-reading": 1,
        "bad-header": 1,
        "vanished": 1,
    }
    assert summary["ok"] == 8
