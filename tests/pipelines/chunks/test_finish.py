"""How every job ends: all is published, or nothing is and it says why."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import Ending, Refusal, finish, read_refusal, text_of
from pipelines.faults import SystemicFault


class Total(NamedTuple):
    ok: int
    failed: int


TOTAL = Total(3, 1)


@dataclass
class Job(Ending[Total]):
    """A job that keeps what it publishes."""

    total: Total = TOTAL
    refusal: Refusal | None = None
    is_done: bool = False
    published: list[Total] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def is_published(self) -> bool:
        return self.is_done

    def add_up(self) -> Total:
        return self.total

    def refuse(self, total: Total) -> Refusal | None:
        return self.refusal

    def publish(self, total: Total, counts: Counts, attempt: Attempt) -> None:
        self.published.append(total)

    def record_refusal(self, total: Total, refusal: Refusal, counts: Counts) -> None:
        self.refused.append(refusal)


COUNTS = Counts(ok=3, failed=1, computed=2)
REFUSAL = Refusal(why="1 of 4 failed", failures={"corrupt": 1})


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "FAILED")


def end(job: Job, uri: str, attempt: Attempt, *, counts: Counts = COUNTS) -> None:
    finish(job, counts, attempt, planned=4, refusal_uri=uri)


def test_what_adds_up_is_published_as_often_as_asked(
    uri: str, attempt: Attempt
) -> None:
    job = Job()
    for _ in range(2):
        end(job, uri, attempt)
    assert job.published == [TOTAL] * 2
    assert read_refusal(uri) is None


def test_what_another_launch_published_is_left_alone(
    uri: str, attempt: Attempt
) -> None:
    job = Job(is_done=True)
    end(job, uri, attempt, counts=Counts())
    assert job.published == []


@pytest.mark.parametrize("counts", [Counts(3, 0), Counts(4, 1), Counts(4, 0)])
def test_counts_that_do_not_add_up_publish_nothing(
    uri: str, attempt: Attempt, counts: Counts
) -> None:
    job = Job()
    with pytest.raises(SystemicFault, match="nothing is published"):
        end(job, uri, attempt, counts=counts)
    assert job.published == []


def test_a_refusal_is_written_and_goes_when_all_is_published(
    uri: str, attempt: Attempt
) -> None:
    job = Job(refusal=REFUSAL)
    end(job, uri, attempt)
    assert (job.published, job.refused) == ([], [REFUSAL])
    assert read_refusal(uri) == REFUSAL
    end(Job(), uri, attempt)
    assert read_refusal(uri) is None


@pytest.mark.parametrize("data", [b"", b"{", b'{"why": "x"}', b"\xff\xfe"])
def test_a_damaged_refusal_names_its_file_and_the_cure(uri: str, data: bytes) -> None:
    Path(uri).write_bytes(data)
    with pytest.raises(SystemicFault, match=r"FAILED: got a damaged file.*; remove it"):
        read_refusal(uri)


def test_failures_are_one_line() -> None:
    assert text_of({"corrupt": 2, "timeout": 1}) == "corrupt 2, timeout 1"
    assert text_of({}) == ""
