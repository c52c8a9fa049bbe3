"""`fcn convert` after kills, full disks, late attempts: the same bytes, or a fault."""

import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.convert import entries
from pipelines.convert import worker as convert_worker
from pipelines.faults import SystemicFault
from pipelines.lanes.messages import Answer
from tests.drawn import tiny_data
from tests.runs.convert_runs import TRAIN, VAL, convert_voc, planned
from tests.runs.trees import everything


def test_committed_shards_are_not_made_again(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    worker = planned(tree, tmp_path / "out", num_shards=3)
    first = list(worker.process(range(2), attempt))
    assert [counts.computed for counts in first] != [0, 0]
    again = list(worker.process(range(worker.conversion.plan.chunks), attempt))
    assert [counts.computed for counts in again[:2]] == [0, 0]
    assert sum(counts.ok for counts in again) == TRAIN + VAL
    made = sum(counts.computed for counts in (*first, *again))
    assert made == TRAIN + VAL


def test_a_late_second_attempt_changes_nothing(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out, num_shards=1)
    (counts,) = worker.process(range(1), attempt)
    before = everything(out)
    tiny_data.damage(tree, "2007_000002", "label-value")
    shard = entries.read(worker.conversion.entries().chunk(0))
    zombie = convert_worker.OpenShard(worker.conversion, 0, shard.entries)
    for index, entry in enumerate(zombie.entries):
        zombie.request(index)
        zombie.take(index, Answer({"rejected": {**_REJECTED, "id": entry.id}}))
    late = zombie.commit()
    assert (late.ok, late.failed) == (counts.ok, counts.failed) == (TRAIN, 0)
    assert everything(out) == before


_REJECTED = {"path": "x", "stage": "label", "reason": "label-value", "detail": ""}


def test_a_damaged_part_is_a_fault_with_its_name(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out, num_shards=2)
    list(worker.process(range(1), attempt))
    part = out / "_convert" / "parts" / "chunk-00000000.parquet"
    data = part.read_bytes()
    part.write_bytes(data[:-5])
    with pytest.raises(
        SystemicFault, match=r"chunk-00000000\.parquet: got a file that"
    ):
        list(worker.process(range(1), attempt))
    part.unlink()
    others = replace(worker.conversion.parts, plan_id="0" * 64)
    assert others.create(0, [], counts=Counts(), footer={})
    with pytest.raises(SystemicFault, match="another plan"):
        list(worker.process(range(1), attempt))


def test_kill_9_and_the_same_command_give_the_same_bytes(tmp_path: Path) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=60, val=10)
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    flags = ("--num_shards", "12")
    assert convert_voc(tree, undisturbed, *flags) == 0
    words = ["convert", "voc", "--input", str(tree), "--output", str(killed)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *words, "--lanes", "1", *flags],
        stderr=subprocess.PIPE,
    )
    parts = killed / "_convert" / "parts"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if len(list(parts.glob("*.parquet"))) >= 3:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "too fast to be killed"
    done = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.parquet")}
    assert 3 <= len(done) < 24 and not (killed / "COMPLETED").exists()
    assert convert_voc(tree, killed, *flags) == 0
    assert everything(killed) == everything(undisturbed)


def test_a_full_disk_is_one_line_and_no_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=12, val=4)
    whole, full = tmp_path / "whole", tmp_path / "full"
    assert convert_voc(tree, whole) == 0
    largest = max(path.stat().st_size for path in whole.glob("train-*.tfrecord"))
    capsys.readouterr()
    # No file may grow beyond this: what a full disk does, without filling one.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1000, before[1]))
    try:
        assert convert_voc(tree, full) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    error = capsys.readouterr().err
    (line,) = [x for x in error.splitlines() if x.startswith("fcn")]
    assert "file too large" in line and "run the same command again" in line
    assert "Traceback" not in error
    assert not (full / "COMPLETED").exists() and not list(full.glob("*.tfrecord"))
    assert convert_voc(tree, full) == 0
    assert everything(full) == everything(whole)
