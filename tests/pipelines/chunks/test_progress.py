"""Progress: plain lines when piped, a bar on a terminal, counts that are right."""

import io
import re
import sys
import threading

import pytest

from pipelines.chunks import progress
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts, Tally


class Terminal(io.StringIO):
    """A screen as far as `rich` asks."""

    def isatty(self) -> bool:
        return True


class Piped:
    """All that was written to standard error so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]):
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Piped:
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.05)
    return Piped(capsys)


def test_piped_progress_is_plain_lines_that_end_with_the_total(
    piped: Piped, tally: Tally
) -> None:
    with progress.show(tally, 10):
        for number in range(10):
            failed = number % 5 == 4
            tally.add(Counts(ok=not failed, failed=failed, computed=1))
    lines = piped.getvalue().splitlines()
    line = re.compile(r"\d+/10 images  \d+\.\d images/s  \d failed(  ETA \d+:\d\d)?")
    assert all(line.fullmatch(text) for text in lines)
    assert lines[-1].startswith("10/10 images")
    assert lines[-1].endswith("2 failed")
    assert "\x1b" not in piped.getvalue()
    assert "\r" not in piped.getvalue()


def test_lines_come_while_the_job_runs(piped: Piped, tally: Tally) -> None:
    seen = threading.Event()
    with progress.show(tally, 3, unit="pairs"):
        tally.add(Counts(ok=1, computed=1))
        for _ in range(200):
            if "1/3 pairs" in piped.getvalue():
                seen.set()
                break
            threading.Event().wait(0.02)
    assert seen.is_set()
    assert "ETA" in piped.getvalue()


def test_quiet_and_empty_jobs_print_nothing(piped: Piped, tally: Tally) -> None:
    with progress.show(tally, 5, quiet=True):
        tally.add(Counts(ok=5, computed=5))
    with progress.show(tally, 0):
        pass
    assert piped.getvalue() == ""


def test_each_job_counts_from_nothing(piped: Piped) -> None:
    for _ in range(2):
        with Attempt() as attempt, progress.show(attempt.tally, 4):
            attempt.tally.add(Counts(ok=4))
    lines = [line.split()[0] for line in piped.getvalue().splitlines()]
    assert lines.count("4/4") == 2
    assert "8/4" not in lines


def test_items_of_many_threads_are_all_counted(piped: Piped, tally: Tally) -> None:
    def work() -> None:
        for _ in range(500):
            tally.add(Counts(ok=1, computed=1))

    with progress.show(tally, 4000):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert piped.getvalue().splitlines()[-1].startswith("4000/4000")


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def lines_of(tally: Tally, total: int, clock: Clock) -> progress.Display:
    return progress.Display(tally, total, unit="images", is_live=False, clock=clock)


def test_what_was_found_done_does_not_spoil_the_rate(tally: Tally) -> None:
    clock = Clock()
    display = lines_of(tally, 1040, clock)
    tally.add(Counts(ok=500, failed=400))  # found done at the start
    for computed in (10, 20, 30, 40):
        clock.seconds += 1.0
        tally.add(Counts(ok=9, failed=1, computed=10))
        display.update()
        left = 140 - computed
        assert display.line() == (
            f"{900 + computed}/1040 images  10.0 images/s  {400 + computed // 10} "
            f"failed  ETA 00:{left // 10:02}"
        )
    for _ in range(60):  # it stalls: the rate of long ago is forgotten
        clock.seconds += 1.0
        display.update()
    assert display.line() == "940/1040 images  0.0 images/s  404 failed"


def test_an_error_inside_ends_the_display(piped: Piped, tally: Tally) -> None:
    with pytest.raises(KeyError), progress.show(tally, 4):
        assert [t for t in threading.enumerate() if t.name == "progress"]
        raise KeyError
    assert not [t for t in threading.enumerate() if t.name == "progress"]


def show_on(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Returns what is standard error from now on; pytest replaces a fixture's."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, tally: Tally) -> None:
    screen = show_on(monkeypatch)
    with progress.show(tally, 2):
        tally.add(Counts(ok=1, failed=1, computed=2))
    assert "2/2" in screen.getvalue()
    assert "1 failed" in screen.getvalue()
    assert "images/s" in screen.getvalue()
    assert "\x1b" in screen.getvalue()


def test_a_terminal_shows_a_job_that_was_done_before(
    monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    screen = show_on(monkeypatch)
    with progress.show(tally, 5):
        tally.add(Counts(ok=4, failed=1))
    assert "5/5" in screen.getvalue()
    assert "1 failed" in screen.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59.6, "01:00"),
        (61, "01:01"),
        (3599, "59:59"),
        (3600, "1:00:00"),
        (90061, "25:01:01"),
    ],
)
def test_the_time_left(tally: Tally, seconds: float, text: str) -> None:
    clock = Clock()
    display = lines_of(tally, 1000 + round(1000 * seconds), clock)
    clock.seconds += 1.0
    tally.add(Counts(ok=1000, computed=1000))
    display.update()
    assert display.line().endswith(f"  ETA {text}")
