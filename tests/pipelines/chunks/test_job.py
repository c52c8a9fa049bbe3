"""A job with more steps than its own."""

import functools
import os
import pickle
from pathlib import Path

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.faults import SystemicFault
from tests.doubles.chunk import CountingWorker, Diary, Ending


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(os.fspath(tmp_path / "diary"))


def test_a_step_follows_the_finish_and_travels(diary: Diary, attempt: Attempt) -> None:
    job = ChunkJob(CountingWorker(diary), 1, Ending(diary))
    followed = job.followed_by(functools.partial(diary.note, "page"))
    again: ChunkJob = pickle.loads(pickle.dumps(followed))
    again.finish(Counts(1, 2, 3), attempt)
    assert diary.words() == ["finish 1 2 3", "page"]


def test_a_finish_that_fails_has_no_next_step(diary: Diary, attempt: Attempt) -> None:
    job = ChunkJob(CountingWorker(diary), 1, Ending(diary, "systemic"))
    with pytest.raises(SystemicFault):
        job.followed_by(functools.partial(diary.note, "page")).finish(Counts(), attempt)
    assert diary.words() == ["finish 0 0 0"]
