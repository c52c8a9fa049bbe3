"""`fcn stats`: figures that a plain reading confirms, and copies of photos."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.labels import VOID
from fcn_core.records import dataset_info
from fcn_core.records.record import AestheticsRecord, SegmentationRecord
from pipelines.chunks.attempt import Attempt
from pipelines.statistics.finish import SAMPLES
from pipelines.statistics.plan import plan_statistics
from pipelines.statistics.worker import StatisticsWorker
from tests.drawn import tiny_ava
from tests.runs import convert_runs
from tests.runs.statistics_runs import rewritten, stats

pytest.importorskip("tfx_bsl", reason="tfx-bsl (fcn[stats]) is not installed")

pytestmark = pytest.mark.usefixtures("warm_lanes")


_JPEG = "image/encoded"


def test_the_figures_are_those_of_a_plain_reading(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer, error = stats(data, tmp_path / "s.json", capsys)
    assert (code, error, answer["valid"]) == (0, "", True)
    pixels, of, sizes = Counter[int](), Counter[int](), Counter[int]()
    for split, records in (("train", 9), ("val", 4)):
        found = convert_runs.records(SegmentationRecord, data, split)
        assert answer["splits"][split]["records"] == len(found) == records
        for record in found.values():
            counts = np.bincount(images.decode_mask(record.label).ravel())
            present = {int(i): int(counts[i]) for i in np.flatnonzero(counts)}
            pixels.update(present)
            of.update(present.keys())
            sizes[max(record.height, record.width)] += 1
    labels = answer["total"]["labels"]
    for row in labels["classes"]:
        assert (row["pixels"], row["images"]) == (pixels[row["id"]], of[row["id"]])
    assert labels["void"]["pixels"] == pixels[VOID] > 0
    assert labels["void"]["share"] == pixels[VOID] / pixels.total()
    assert labels["sources"]["voc"]["images"] == 13
    sides = answer["total"]["photos"]["longer_sides"]
    assert sides == {str(side): n for side, n in sorted(sizes.items())}
    assert len(answer["samples"]) == SAMPLES
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.html", "s.json"]
    page = (tmp_path / "s.html").read_text()
    assert "<h2>Sizes</h2>" in page and "<h2>Void</h2>" in page


def test_parts_that_are_there_are_used_and_give_the_same_answer(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    attempt: Attempt,
) -> None:
    """A kill leaves parts; they are found again, and swept at the end."""
    stats(data, tmp_path / "whole.json", capsys)
    plan = plan_statistics(str(data), str(tmp_path / "cut.json"))
    worker = StatisticsWorker(plan)
    assert sum(c.computed for c in worker.process(range(3), attempt)) > 0
    assert sum(c.computed for c in worker.process(range(3), attempt)) == 0
    assert stats(data, tmp_path / "cut.json", capsys)[0] == 0
    whole, cut = ((tmp_path / f"{n}.json").read_bytes() for n in ("whole", "cut"))
    assert whole == cut
    assert [p for p in tmp_path.iterdir() if p.is_dir()] == []


def test_ratings_are_reported_with_their_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, photos = tiny_ava.package(tmp_path / "ava", count=12, test=3)
    out = tmp_path / "records"
    flags: dict[str, Any] = {"input": table, "images": photos}
    assert convert_runs.convert("ava", out, **flags) == 0
    code, answer, error = stats(out, tmp_path / "s.json", capsys)
    assert (code, error) == (0, "")
    found = [
        record
        for split in answer["splits"]
        for record in convert_runs.records(AestheticsRecord, out, split).values()
    ]
    figures = answer["total"]["ratings"]
    assert figures["images"] == len(found) > 0
    mean = np.mean([record.mean for record in found])
    assert figures["mean"]["mean"] == pytest.approx(mean, abs=1e-9)
    page = (tmp_path / "s.html").read_text()
    assert page.count('<li class="card">') == min(len(found), SAMPLES)
    assert 'class="ratings"' in page


def test_a_photo_in_two_splits_is_a_fault_unless_allowed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = next(iter(convert_runs.records(SegmentationRecord, data, "val").values()))
    copy = dataclasses.replace(record, source_id="a_copy").encode()

    def add(frames: list[bytes]) -> list[bytes]:
        return [*frames, copy]

    folder = rewritten(data, tmp_path / "leak", add)
    code, answer, error = stats(folder, tmp_path / "s.json", capsys)
    assert code == 1 and "a photo is in two splits" in error
    copies = answer["duplicates"]
    assert (copies["photos"], copies["across_splits"]) == (1, 1)
    ids = {row["id"] for row in copies["groups"][0]["records"]}
    assert ids == {"a_copy", record.source_id}
    allowed = rewritten(data, tmp_path / "ok", add, settings={"allow_leak": True})
    code, answer, _ = stats(allowed, tmp_path / "s.json", capsys)
    assert code == 0 and answer["duplicates"]["across_splits"] == 1


def test_a_shard_that_changed_is_not_even_read(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = rewritten(data, tmp_path / "bad", lambda frames: frames)
    info = dataset_info.read_dataset_info(folder)
    shard = next(s for s in info.splits["train"].files if s.records > 1)
    content = bytearray((folder / shard.name).read_bytes())
    content[-40] ^= 1
    (folder / shard.name).write_bytes(content)
    code, answer, error = stats(folder, tmp_path / "s.json", capsys)
    assert code == 1 and shard.name in error
    assert answer["findings"][0]["records"] == shard.records
    counted = answer["splits"]["train"]["counted"]
    assert counted == info.splits["train"].records - shard.records
