"""The benchmark of decoding times both jobs, with the look for damage and without."""

import json
from pathlib import Path

import pytest

from benchmarks import decode_speed
from fcn_core import images
from tests.drawn import tiny_models


def test_both_jobs_are_timed_with_the_look_and_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in (100, 160):
        photo = tiny_models.draw_photo(side, 90)
        (tmp_path / f"{side}.jpg").write_bytes(photo)
    decode_speed.main(["--photos", str(tmp_path), "--rounds", "2"])
    found = json.loads(capsys.readouterr().out)
    assert found.pop("photos") == 2
    assert set(found) == {"score", "convert"}
    for times in found.values():
        ours, bare = times["milliseconds"], times["without_the_look"]
        assert times["ratio"] == pytest.approx(bare / ours, rel=0.02)


def test_what_is_left_out_is_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def decoded(_: bytes, *, is_foreign: bool = False, **__: object) -> None:
        asked.append(is_foreign)

    monkeypatch.setattr(images, "decode", decoded)
    for work in decode_speed.jobs(64)["score"]:
        work(b"")
    assert asked == [True, False]
