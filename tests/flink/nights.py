"""A night on a Flink cluster whose processes are killed while it runs."""

import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.deploy.flink.commands import JOB_MANAGER, JOB_SERVER, WORKER_POOL
from pipelines.deploy.flink.local_cluster import Cluster
from pipelines.faults import SystemicFault
from tests.runs import score_runs
from tests.runs.score_runs import Attempt, Undisturbed
from tests.runs.trees import everything

LAUNCHER = "launcher"
TASK_MANAGERS = ("taskmanager-1", "taskmanager-2")
VICTIMS = (LAUNCHER, WORKER_POOL, *TASK_MANAGERS)
SERVERS = (JOB_SERVER, JOB_MANAGER)

PHOTOS = 240
FLAGS = (
    *("--model", "voc21", "--chunk_size=2", "--lanes=1"),
    *("--engine=openvino", "--precision=f32"),
)
OF_THE_RUN = ("seconds", "images_per_second", "command", "computed")
"""What a summary says of one run, not of its result."""

_JOB_SECONDS = 400


@dataclass(frozen=True)
class Night:
    """Photos, and what one attempt on this machine made of them.

    Attributes:
        here: The output of that attempt.
    """

    here: Undisturbed

    @classmethod
    def score_here(cls, folder: Path) -> "Night":
        return cls(Undisturbed.score(folder, PHOTOS, *FLAGS, broken=2))

    @property
    def chunks(self) -> int:
        return score_runs.part_count(self.here.out)

    def words(self, out: Path, cluster: Cluster, *more: str) -> list[str]:
        """Returns the command on the cluster."""
        return score_runs.words(self.here.photos, out, *FLAGS, *cluster.flags(), *more)

    def is_committed(self, out: Path) -> bool:
        folder = out / "scores" / f"run_date={score_runs.NIGHT}"
        return (folder / "_SUCCESS").exists()

    def check(self, out: Path) -> None:
        """Compares an output with that of this machine, byte by byte."""
        rows = score_runs.table(out)
        keys = [row["image_key"] for row in rows]
        assert len(keys) == len(set(keys)) == PHOTOS + 2
        there, here = (
            score_runs.results_tree(out),
            score_runs.results_tree(self.here.out),
        )
        assert sorted(there) == sorted(here)
        assert there == here
        of_there, of_here = summary(out), summary(self.here.out)
        assert of_there == of_here, set(of_there.items()) ^ set(of_here.items())


def summary(out: Path) -> dict[str, str]:
    """Returns the summary of a night's result, without what is of one run."""
    (path,) = out.glob("report/*/summary.json")
    read = json.loads(path.read_text().replace(os.fspath(out), "OUT"))
    return {key: repr(read[key]) for key in read if key not in OF_THE_RUN}


def comparable(out: Path) -> dict[str, object]:
    """Returns every file of an output; of the page, only that it is there."""
    tree: dict[str, object] = dict(everything(out))
    for name in tree:
        if name.endswith("summary.json"):
            tree[name] = summary(out)
        elif name.endswith("index.html"):
            tree[name] = "a page"
    return tree


@dataclass
class Trial:
    """One night on a cluster, killed again and again until it has ended.

    Attributes:
        night: What is scored.
        cluster: Where.
        folder: Its own.
        kills: Who was killed after how many seconds, at how many parts.
    """

    night: Night
    cluster: Cluster
    folder: Path
    kills: list[tuple[str, float, int]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def run(self, victims: list[str], rng: random.Random) -> None:
        """Runs the night, kills the victims one after the other, and ends it."""
        self.folder.mkdir(parents=True)
        attempt = self._launch()
        try:
            for victim in victims:
                self._pause(rng)
                if self.night.is_committed(self.out):
                    break
                self._kill(victim, attempt)
                if attempt.process.poll() is not None:
                    attempt = self._launch()
            self._end(attempt)
        finally:
            attempt.kill_all()
        settle(self.cluster)
        self.night.check(self.out)

    def _launch(self) -> Attempt:
        return Attempt(self.night.words(self.out, self.cluster), self.folder / "log")

    def _pause(self, rng: random.Random) -> None:
        """Waits for a moment: so many seconds, or so many parts more than now."""
        if rng.random() < 0.3:
            time.sleep(rng.uniform(0.2, 8))
            return
        wanted = self._parts() + rng.randrange(1, 4)
        deadline = time.monotonic() + 40
        while self._parts() < wanted and time.monotonic() < deadline:
            if self.night.is_committed(self.out):
                return
            time.sleep(0.01)

    def _parts(self) -> int:
        return score_runs.part_count(self.out) if (self.out / "_runs").exists() else 0

    def _kill(self, victim: str, attempt: Attempt) -> None:
        before, parts = time.monotonic(), self._parts()
        if victim == LAUNCHER:
            if attempt.process.poll() is not None:
                return  # there is nothing to kill; it is started again
            attempt.kill_all()
        else:
            self.cluster.kill(victim)
            time.sleep(0.3)
            self.cluster.start_process(victim)
            if victim in SERVERS:
                self.cluster.wait_until_ready()
        self.kills.append((victim, round(time.monotonic() - before, 1), parts))
        sys.stdout.write(f"  killed {victim} at {parts} parts\n")
        sys.stdout.flush()

    def _end(self, attempt: Attempt) -> None:
        """Waits for the command, and gives it again as a person would."""
        for _ in range(4):
            code = attempt.process.wait(timeout=_JOB_SECONDS)
            text = attempt.log.read_text()
            assert "Traceback" not in text, text
            if code == 0:
                return
            assert code == 1, f"{code}: {text}"
            self.cluster.wait_until_ready()
            attempt = self._launch()
        attempt.kill_all()
        raise AssertionError(f"the command failed again and again: {text}")


def settle(cluster: Cluster) -> None:
    """Cancels what still runs, so that the next job finds free slots."""
    cluster.wait_until_ready()
    deadline = time.monotonic() + 120
    while jobs := _running(cluster):
        for job in jobs:
            with contextlib.suppress(SystemicFault):
                cluster.ask(f"/jobs/{job}?mode=cancel", method="PATCH")
        assert time.monotonic() < deadline, f"{jobs} do not end"
        time.sleep(0.5)


def _running(cluster: Cluster) -> list[str]:
    over = ("FINISHED", "CANCELED", "FAILED")
    jobs = cluster.ask("/jobs/overview")["jobs"]
    return [job["jid"] for job in jobs if job["state"] not in over]


def trials(seed: int, *, count: int, kills: int) -> Iterator[tuple[int, list[str]]]:
    """Yields a seed for each trial, and who is killed in it: all equally often."""
    rng = random.Random(seed)
    deck: list[str] = []
    for _ in range(count):
        while len(deck) < kills:
            more = list(VICTIMS)
            rng.shuffle(more)
            deck += more
        yield rng.randrange(1 << 30), [deck.pop() for _ in range(kills)]


def setting(name: str, default: int) -> int:
    """Returns a number of the environment."""
    return int(os.environ.get(name, default))
