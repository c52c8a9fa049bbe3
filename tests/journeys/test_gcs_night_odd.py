"""A night over gs:// with odd names, odd places, a wrong clock, photos that change."""

import json
import time
from pathlib import Path

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.runners import launch
from pipelines.runners.engine import LOCAL
from pipelines.score import nights, worker
from pipelines.score.config import ScoreConfig
from tests.doubles import gcs
from tests.doubles.fault_proxy import proxy
from tests.doubles.gcs import Bucket
from tests.runs import gcs_runs, score_runs
from tests.runs.gcs_runs import is_reading, run, table
from tests.runs.score_runs import NIGHT, fcn

pytestmark = pytest.mark.usefixtures("warm_lanes")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return gcs_runs.draw_photos(tmp_path / "photos")


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


@pytest.mark.parametrize(
    "skew", [pytest.param(-3600.0, marks=pytest.mark.slow), 3600.0]
)
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
