"""The end of a job: counts, parts, gate, and then all of it or nothing."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import Refusal, finish, read_refusal, text_of
from pipelines.faults import SystemicFault

REFUSAL = Refusal(why="2 of 5 failed", failures={"corrupt": 2})


@dataclass
class Ending:
    """Publishes into a list."""

    refusal_uri: str
    refusal: Refusal | None = None
    added: Counts = field(default_factory=lambda: Counts(ok=3, failed=2))
    planned: int = 5
    log: list[str] = field(default_factory=list)

    def is_published(self) -> bool:
        return "publish" in self.log

    def add_up(self) -> Counts:
        return self.added

    def refuse(self, total: Counts) -> Refusal | None:
        return self.refusal

    def publish(self, total: Counts, counts: Counts, attempt: Attempt) -> None:
        self.log.append("publish")

    def record_refusal(self, total: Counts, refusal: Refusal, counts: Counts) -> None:
        self.log.append(refusal.why)


@pytest.fixture
def ending(tmp_path: Path) -> Ending:
    return Ending(files.to_uri(tmp_path / "FAILED"))


def test_it_publishes_once(ending: Ending, attempt: Attempt) -> None:
    for _ in range(2):
        finish(ending, Counts(ok=3, failed=2), attempt)
    assert ending.log == ["publish"]


def test_a_refusal_is_recorded_until_it_is_published(
    ending: Ending, attempt: Attempt
) -> None:
    assert read_refusal(ending.refusal_uri) is None
    ending.refusal = REFUSAL
    finish(ending, Counts(ok=3, failed=2), attempt)
    assert ending.log == ["2 of 5 failed"]
    assert read_refusal(ending.refusal_uri) == REFUSAL
    ending.refusal = None  # a higher threshold
    finish(ending, Counts(ok=3, failed=2), attempt)
    assert ending.log[1:] == ["publish"]
    assert read_refusal(ending.refusal_uri) is None


@pytest.mark.parametrize(
    ("counts", "added"),
    [
        (Counts(ok=3, failed=1), Counts(ok=3, failed=2)),
        (Counts(ok=2, failed=3), Counts(ok=3, failed=2)),
        (Counts(ok=3, failed=2), Counts(ok=3, failed=1)),
    ],
)
def test_counts_that_do_not_add_up_publish_nothing(
    ending: Ending, attempt: Attempt, counts: Counts, added: Counts
) -> None:
    ending.added = added
    with pytest.raises(SystemicFault, match="nothing is published"):
        finish(ending, counts, attempt)
    assert ending.log == []


def test_a_damaged_refusal_is_a_fault(ending: Ending) -> None:
    files.write_atomically(ending.refusal_uri, b'{"why": ')
    with pytest.raises(SystemicFault, match="FAILED: got a damaged file"):
        read_refusal(ending.refusal_uri)


def test_failures_in_one_line() -> None:
    assert text_of({"corrupt": 2, "timeout": 1}) == "corrupt 2, timeout 1"
