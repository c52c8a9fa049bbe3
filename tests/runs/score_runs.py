"""Runs of `fcn score` for tests: drawn photos in, what lies in the output out."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from fcn_core import scoring
from pipelines import files
from pipelines.chunks.attempt import Attempt as JobAttempt
from pipelines.cli import main
from pipelines.score import nights, worker
from pipelines.score.config import ScoreConfig
from pipelines.score.layout import NightFolder, PlanFolder
from tests.drawn import tiny_models
from tests.runs.trees import everything

MODELS = tuple(
    name for name in ("voc21", "quality") if name in scoring.built_in_names()
)
"""The built-in models: what a run without `--model` uses."""

NIGHT = "2026-11-20"
LATER = ("2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24")

Rows = list[dict[str, Any]]


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def add_photos(folder: Path, count: int, *, first: int = 0, side: int = 64) -> None:
    """Draws JPEGs `photo-000.jpg` and on, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        data = tiny_models.draw_photo(side, side + 7 + number % 5, seed=number)
        (folder / f"photo-{number:03}.jpg").write_bytes(data)


def rewrite(photo: Path, data: bytes) -> None:
    """Replaces a photo so that its version is another one, whatever the clock."""
    before = photo.stat().st_mtime_ns if photo.exists() else 0
    photo.write_bytes(data)
    os.utime(photo, ns=(before + 10**9, before + 10**9))


def fcn(*arguments: str | Path) -> Ended:
    """Runs a command in this process."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main.main([os.fspath(argument) for argument in arguments])
    return Ended(code, stdout.getvalue(), stderr.getvalue())


def words(
    photos: Path | str, out: Path | str, *more: str, night: str = NIGHT
) -> list[str]:
    """Returns the words of a `fcn score` of one night; `more` may change them."""
    model = [] if "--model" in more else ["--model", *MODELS]
    where = ["--input", os.fspath(photos), "--output", os.fspath(out)]
    return ["score", *where, "--run_date", night, *model, *more]


def score(photos: Path | str, out: Path | str, *more: str, night: str = NIGHT) -> Ended:
    """Runs `fcn score` in this process, whatever comes of it."""
    return fcn(*words(photos, out, *more, night=night))


def scored(
    photos: Path | str, out: Path, *more: str, night: str = NIGHT
) -> dict[str, Any]:
    """Runs `fcn score` in this process, which must end well; returns its summary."""
    ended = score(photos, out, "--json", *more, night=night)
    assert ended.code == 0, ended.stderr
    return json.loads(ended.stdout)


class Undisturbed(NamedTuple):
    """Photos, and the output of a night that one attempt made alone."""

    photos: Path
    out: Path

    @classmethod
    def score(
        cls, folder: Path, count: int, *flags: str, broken: int = 0
    ) -> "Undisturbed":
        """Scores drawn photos, and some that are broken."""
        photos, out = folder / "photos", folder / "undisturbed"
        add_photos(photos, count, side=100)
        for number in range(broken):
            (photos / f"broken-{number}.jpg").write_bytes(b"\xff\xd8 broken")
        scored(photos, out, *flags)
        return cls(photos, out)


def leave_open(
    photos: Path, out: Path, *more: str, night: str = NIGHT, chunks: int = 0
) -> nights.Night:
    """Plans a night and commits its first chunks, as an attempt that died there."""
    config, _ = ScoreConfig.parse(words(photos, out, *more, night=night)[1:])
    planned = nights.plan_night(config)
    job = worker.job(planned, lanes=2, max_error_rate=1, command="")
    with JobAttempt() as shared:
        done = list(job.worker.process(range(chunks), shared))
    assert len(done) == chunks < job.chunks
    return planned


def table(out: Path, night: str = NIGHT) -> Rows:
    """Returns the published rows of a night, in the table's order."""
    folder = out / "scores" / f"run_date={night}"
    assert (folder / "_SUCCESS").exists()
    return [
        row
        for path in sorted(folder.glob("*.parquet"))
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]


def by_name(rows: Rows) -> dict[str, dict[str, Any]]:
    """Returns rows by the file names of their photos."""
    named = {row["image_uri"].rpartition("/")[2]: row for row in rows}
    assert len(named) == len(rows)
    return named


def statuses(rows: Rows) -> dict[str, str]:
    """Returns `ok` or the reason of each row, by file name."""
    return {
        name: "ok" if row["status"] == "ok" else row["error_reason"]
        for name, row in by_name(rows).items()
    }


def plan_folder(out: Path, night: str = NIGHT) -> PlanFolder:
    """Returns where the last plan of a night has its files, or its first one will."""
    uri = files.to_uri(out)
    last = max(NightFolder(uri, night).sequences(), default=1)
    return PlanFolder(uri, night, last)


def part_paths(out: Path, night: str = NIGHT) -> list[Path]:
    """Returns the parts that are visible."""
    return sorted(Path(plan_folder(out, night).parts).glob("chunk-*.parquet"))


def part_rows(out: Path, night: str = NIGHT) -> Rows:
    """Returns the rows of all parts that are visible."""
    return [
        row
        for path in part_paths(out, night)
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]


def masks(out: Path) -> set[str]:
    """Returns the paths of all masks, relative to the output."""
    return {
        path.relative_to(out).as_posix()
        for path in (out / "masks").glob("run_date=*/**/*")
        if path.is_file() and "/." not in path.as_posix().removeprefix(out.as_posix())
    }


def results_tree(out: Path) -> dict[str, bytes]:
    """Returns plan, parts, commit, scores and masks: what may depend on no run."""
    kept = ("_runs/", "scores/", "masks/")
    return {
        name: data for name, data in everything(out).items() if name.startswith(kept)
    }


class Attempt:
    """A `fcn` command in a process of its own, to be killed, paused and waited for."""

    def __init__(self, arguments: list[str], log: Path):
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipelines.cli", *arguments],
                stdout=file,
                stderr=file,
                cwd=Path(files.__file__).parents[2],
                start_new_session=True,  # its group is its own: a kill stays in it
            )

    def children(self) -> list[int]:
        """Returns the processes that it started, its lanes."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def wait_until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Returns as soon as the condition holds, while the process still runs."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.002)

    def kill_all(self) -> None:
        """Kills it and its lanes, which have sessions of their own, at once."""
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def kill_parent(self) -> list[int]:
        """Kills only the process itself; returns the lanes that it leaves."""
        lanes = self.children()
        self.process.kill()
        self.process.wait()
        return lanes

    def wait(self) -> int:
        """Returns its exit code."""
        return self.process.wait(timeout=120)


@contextlib.contextmanager
def attempt(arguments: list[str], log: Path) -> Iterator[Attempt]:
    """Starts a command; none of its processes outlives the block."""
    started = Attempt(arguments, log)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.kill_all()


def part_count(out: Path, night: str = NIGHT) -> int:
    """Returns how many chunks of a night are committed."""
    return len(part_paths(out, night))
