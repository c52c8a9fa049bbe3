"""Nights around a device, a CPU in a GPU's place: the bytes of a night without one."""

import io
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.drawn import tiny_models
from tests.runs import score_runs

SIZES = [(64, 71), (75, 101), (101, 75), (130, 300), (300, 130), (20, 500), (900, 700)]
"""Of photos: several padded shapes, one photo above the working size."""


def draw_photos(folder: Path, count: int) -> Path:
    """Draws photos of many sizes and kinds, and some that are broken."""
    folder.mkdir(parents=True)
    for number in range(count):
        height, width = SIZES[number % len(SIZES)]
        kind = ("JPEG", "PNG", "WEBP")[number % 3]
        data = tiny_models.draw_photo(height, width + number // 7, seed=number)
        path = folder / f"photo-{number:04}.{kind.lower()}"
        if kind == "JPEG":
            path.write_bytes(data)
        else:
            with Image.open(io.BytesIO(data)) as image:
                image.save(path, kind)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    (folder / "empty.png").touch()
    return folder


@pytest.fixture(scope="module")
def flags(segmentation_bundle: Path, rating_bundle: Path) -> list[str]:
    models = map(os.fspath, (segmentation_bundle, rating_bundle))
    return ["--model", *models, "--chunk_size", "16", "--max_side", "400"]


@pytest.fixture(scope="module")
def night(
    tmp_path_factory: pytest.TempPathFactory, flags: list[str]
) -> score_runs.Undisturbed:
    """A night without a device."""
    folder = tmp_path_factory.mktemp("night")
    photos, out = draw_photos(folder / "photos", 40), folder / "out"
    score_runs.scored(photos, out, *flags, "--device", "none", "--lanes", "1")
    return score_runs.Undisturbed(photos, out)


def on_device(batch: int, lanes: int) -> list[str]:
    return [
        *("--device", "cpu"),
        *("--gpu_batch", str(batch)),
        *("--lanes", str(lanes)),
    ]


def check_same(
    night: score_runs.Undisturbed, out: Path, *words: str, failed: int = 2
) -> None:
    summary = score_runs.scored(night.photos, out, *words)
    assert (summary["ok"], summary["failed"]) == (
        len(list(night.photos.iterdir())) - failed,
        failed,
    )
    assert score_runs.results_tree(out) == score_runs.results_tree(night.out)


def test_a_night_around_a_device_has_the_same_bytes(
    night: score_runs.Undisturbed, flags: list[str], tmp_path: Path
) -> None:
    check_same(night, tmp_path / "out", *flags, *on_device(3, 2))


def test_a_night_goes_on_with_or_without_a_device(
    night: score_runs.Undisturbed, flags: list[str], tmp_path: Path
) -> None:
    score_runs.leave_open(night.photos, tmp_path / "out", *flags, chunks=1)
    check_same(night, tmp_path / "out", *flags, *on_device(8, 1))


def test_tiles_and_views_have_the_same_bytes_too(
    night: score_runs.Undisturbed, segmentation_bundle: Path, tmp_path: Path
) -> None:
    sampled = tmp_path / "sampled"  # photos of one area, seen in views
    tiny_models.write_bundle(sampled, "aesthetics", nearest_pixels=64 * 64)
    words = ["--model", os.fspath(segmentation_bundle), os.fspath(sampled)]
    words += ["--max_side", "400", "--tile", "256", "--views", "3"]
    alone = score_runs.Undisturbed(night.photos, tmp_path / "alone")
    score_runs.scored(*alone, *words, "--device", "none")
    check_same(alone, tmp_path / "out", *words, *on_device(3, 2))


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_neither_batches_nor_lanes_decide_a_byte(
    *,
    night: score_runs.Undisturbed,
    flags: list[str],
    tmp_path: Path,
    batch: int,
    lanes: int,
) -> None:
    check_same(night, tmp_path / "out", *flags, *on_device(batch, lanes))


def has_slots(pid: int) -> bool:
    """Returns whether a lane has its models and sees the slots: it is ready to work."""
    try:
        return "fcn-slots" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:  # gone meanwhile
        return False


@pytest.fixture
def killer() -> Iterator[threading.Thread]:
    """Kills our lanes at random moments, the device's among them.

    Not those that only start: where that takes longer than a kill is away, as on a busy
    machine, no lane would ever work.
    """
    over = threading.Event()

    def kill() -> None:
        chosen = random.Random(4)
        while not over.wait(chosen.uniform(0.2, 1.2)):
            tasks = Path("/proc/self/task").glob("*/children")
            lanes = [int(pid) for task in tasks for pid in task.read_text().split()]
            if started := [pid for pid in lanes if has_slots(pid)]:
                os.kill(chosen.choice(started), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    yield thread
    over.set()
    thread.join()


@pytest.mark.slow
def test_kills_decide_no_byte(
    night: score_runs.Undisturbed,
    flags: list[str],
    tmp_path: Path,
    killer: threading.Thread,
) -> None:
    assert killer.is_alive()
    check_same(night, tmp_path / "out", *flags, *on_device(3, 2))


@pytest.mark.slow
def test_a_killed_night_leaves_nothing_and_goes_on(
    night: score_runs.Undisturbed, flags: list[str], tmp_path: Path
) -> None:
    out, names = tmp_path / "out", set(os.listdir("/dev/shm"))  # noqa: PTH208
    words = score_runs.words(night.photos, out, *flags, *on_device(3, 2))
    for parts in (1, 2):
        with score_runs.attempt(words, tmp_path / "log") as attempt:
            attempt.wait_until(lambda: score_runs.part_count(out) >= parts)  # noqa: B023
            attempt.kill_all()
    assert set(os.listdir("/dev/shm")) == names  # noqa: PTH208
    check_same(night, out, *flags, *on_device(8, 3))


def test_a_device_that_is_not_there_is_refused(
    night: score_runs.Undisturbed, flags: list[str], tmp_path: Path
) -> None:
    chosen = (*("--engine", "tensorflow"), *("--precision", "f32"))
    gpu = ("--instruction_set", "NVIDIA L4")
    ended = score_runs.score(night.photos, tmp_path / "out", *flags, *chosen, *gpu)
    assert ended.code == 1
    assert "device: got no GPU, expected NVIDIA L4 as in the plan" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--device", "tpu"], "--device: got 'tpu'"),
        (["--gpu_batch", "0"], "--gpu_batch: got '0'"),
        (["--device", "0"], "--device: got 0 with engine openvino, expected the"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    tmp_path: Path, words: list[str], line: str
) -> None:
    ended = score_runs.score(tmp_path, tmp_path / "out", "--max_side", "999", *words)
    assert ended.code == 2
    assert line in ended.stderr
    assert "Traceback" not in ended.stderr
