"""Nights in gs:// that are raced and killed: what `test_gcs` and `test_short_gcs` do.

The commands are processes of their own; nothing may be lost, nothing be there twice,
and the bytes are those of an undisturbed night.
"""

import io
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.doubles.gcs import Bucket
from tests.faults.commands import Ended, Server
from tests.faults.trials import SEED

NIGHT = "2026-11-20"
SUMMARY = f"report/run_date={NIGHT}/"
"""Below it are files that say how long a night took."""


@dataclass
class Night:
    """A bucket with photos, and servers whose commands reach it.

    Attributes:
        undisturbed: What a night without faults leaves, without its report.
    """

    bucket: Bucket
    servers: tuple[Server, Server]
    scratch: Path
    undisturbed: dict[str, bytes]

    def words(self, out: str, *more: str) -> list[str]:
        where = ["--input", self.bucket.uri("photos"), "--output", self.bucket.uri(out)]
        models = ["--model", "voc21", "--run_date", NIGHT, "--chunk_size", "4"]
        return ["score", *where, *models, "--lanes", "1", "--json", *more]

    def run(self, out: str, *more: str, seconds: float = 120) -> Ended:
        words = self.words(out, *more)
        ended = self.servers[0].start(words, self.scratch).wait(seconds=seconds)
        assert ended is not None
        return ended

    def tree(self, out: str) -> dict[str, bytes]:
        tree = self.bucket.tree(out)
        return {n: d for n, d in tree.items() if not n.startswith(SUMMARY)}

    def check(self, out: str) -> None:
        """Runs the night to its end; it must be the undisturbed one."""
        ended = self.run(out)
        assert ended.code == 0, ended.stderr
        assert self.tree(out) == self.undisturbed


def draw(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


@contextmanager
def night(
    address: str, library: Path, scratch: Path, *, photos: int, chunk_size: int = 4
) -> Iterator[Night]:
    before = os.environ.get("STORAGE_EMULATOR_HOST")
    bucket = Bucket(address)
    with ThreadPoolExecutor(16) as pool:
        names = [f"photos/{number:05}.jpg" for number in range(photos)]
        list(pool.map(bucket.put, names, map(draw, range(photos))))
    settings = {"STORAGE_EMULATOR_HOST": address, "FCN_GCS_DEADLINE": "60"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        servers = (Server(library, scratch / "a"), Server(library, scratch / "b"))
    try:
        assert os.environ.get("STORAGE_EMULATOR_HOST") == before
        made = Night(bucket, servers, scratch, {})
        first = made.words("undisturbed", "--chunk_size", str(chunk_size))
        modules = servers[0].modules(first, scratch)
        for server in servers:
            server.preload(modules)
        made.undisturbed = made.tree("undisturbed")
        yield made
    finally:
        for server in servers:
            server.close()


def race(night: Night, count: int) -> None:
    """Starts two launches of a night, again and again; one of them at times later."""
    draws = random.Random(SEED)
    for number in range(count):
        out = f"race-{number}"
        first = night.servers[0].start(night.words(out), night.scratch)
        time.sleep(draws.choice([0, 0, 0.05, 0.2]))
        second = night.servers[1].start(night.words(out), night.scratch)
        for running in (first, second):
            ended = running.wait()
            assert ended is not None
            assert ended.code == 0, f"race {number}: {ended.stderr}"
        assert night.tree(out) == night.undisturbed, f"race {number}"
        night.bucket.remove_tree(out)


def kill(night: Night, count: int) -> None:
    """Kills launches at random moments, one to three a night, then ends the night."""
    draws, kills = random.Random(SEED + 1), 0
    started = time.monotonic()
    night.check("timed")
    seconds = time.monotonic() - started
    while kills < count:
        out = f"kill-{kills}"
        for _ in range(draws.randint(1, 3)):
            running = night.servers[1].start(night.words(out), night.scratch)
            time.sleep(draws.uniform(0, seconds))
            running.kill()
            kills += 1
        night.check(out)
        night.bucket.remove_tree(out)
