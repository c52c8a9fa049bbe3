"""`fcn nightly` with photos, canaries, configuration and results in gs://."""

import json

import yaml

from tests.doubles import stub_scoring
from tests.doubles.gcs import Bucket
from tests.doubles.stub_scoring import photo
from tests.runs.nightly_runs import SMALL
from tests.runs.score_runs import Ended, fcn


def _call(bucket: Bucket, *words: str) -> Ended:
    return fcn("nightly", "--config", bucket.uri("nightly.yaml"), *words)


def test_two_nights_in_a_bucket(bucket: Bucket) -> None:
    content = {
        **SMALL,
        "masks": "auto",
        "input": bucket.uri("photos") + "/{date:%Y/%m/%d}/",
        "output": bucket.uri("out"),
        "canaries": bucket.uri("canaries"),
    }
    bucket.put("nightly.yaml", yaml.safe_dump(content).encode())
    bucket.put("canaries/a.jpg", photo(0))
    bucket.put("photos/2026/11/20/a.jpg", photo(1))
    with stub_scoring.stub() as machine:
        pinned = _call(bucket, "--pin_canaries")
        assert pinned.code == 0, pinned.stderr
        first = _call(bucket, "--run_date", "2026-11-20")
        assert first.code == 0, first.stderr
        bucket.put("photos/2026/11/19/late.jpg", photo(2))
        machine.drift = 1.0
        wrong = _call(bucket, "--run_date", "2026-11-21")
        assert wrong.code == 3
        assert "canary a.jpg: aesthetics_mean: got 6.3" in wrong.stderr
        machine.drift = 0.0
        # The earlier night is finished; the one asked for has nothing new.
        last = _call(bucket, "--run_date", "2026-11-22", "--json")
    assert last.code == 0, last.stderr
    nights = json.loads(last.stdout)["nights"]
    got = [(n["run_date"], n["summary"]["ok"], n["recovered"]) for n in nights]
    assert got == [("2026-11-21", 1, True), ("2026-11-22", 0, False)]
    marks = [name for name in bucket.names("out/scores") if name.endswith("_SUCCESS")]
    assert len(marks) == 3
