"""Progress: plain lines when piped, a bar on a terminal, counts that are right."""

import io
import re
import sys
import threading

import pytest

from pipelines.chunks import progress


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
def piped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Piped:
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.05)
    return Piped(capsys)


def test_piped_progress_is_plain_lines_that_end_with_the_total(
    piped: Piped,
) -> None:
    with progress.shown(10):
        for number in range(10):
            failed = number % 5 == 4
            progress.note(ok=not failed, failed=failed, computed=1)
    lines = piped.getvalue().splitlines()
    line = re.compile(r"\d+/10 images  \d+\.\d images/s  \d failed(  ETA \d+:\d\d)?")
    assert all(line.fullmatch(text) for text in lines)
    assert lines[-1].startswith("10/10 images")
    assert lines[-1].endswith("2 failed")
    assert "\x1b" not in piped.getvalue()
    assert "\r" not in piped.getvalue()


def test_lines_come_while_the_job_runs(piped: Piped) -> None:
    seen = threading.Event()
    with progress.shown(3, unit="pairs"):
        progress.note(ok=1, computed=1)
        for _ in range(200):
            if "1/3 pairs" in piped.getvalue():
                seen.set()
                break
            threading.Event().wait(0.02)
    assert seen.is_set()
    assert "ETA" in piped.getvalue()


def test_quiet_and_empty_jobs_say_nothing(piped: Piped) -> None:
    with progress.shown(5, quiet=True):
        progress.note(ok=5, computed=5)
    with progress.shown(0):
        pass
    assert piped.getvalue() == ""


def test_each_job_counts_from_nothing(piped: Piped) -> None:
    for _ in range(2):
        with progress.shown(4):
            progress.note(ok=4)
    lines = [line.split()[0] for line in piped.getvalue().splitlines()]
    assert lines.count("4/4") == 2
    assert "8/4" not in lines


def test_notes_of_many_threads_are_all_counted(piped: Piped) -> None:
    def work() -> None:
        for _ in range(500):
            progress.note(ok=1, computed=1)

    with progress.shown(4000):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert piped.getvalue().splitlines()[-1].startswith("4000/4000")


def test_what_was_found_done_does_not_spoil_the_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    rate = progress._Rate()
    found = [10, 20, 30, 40]
    for computed in found:
        clock[0] += 1.0
        assert rate.update(computed) == pytest.approx(10)
    for _ in range(60):  # it stalls: the rate of long ago is forgotten
        clock[0] += 1.0
        last = rate.update(40)
    assert last == 0


def test_an_error_inside_ends_the_display(piped: Piped) -> None:
    with pytest.raises(KeyError), progress.shown(4):
        raise KeyError
    assert not [t for t in threading.enumerate() if "_lines" in t.name]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with progress.shown(2):
        progress.note(ok=1, failed=1, computed=2)
    assert "2/2" in screen.getvalue()
    assert "1 failed" in screen.getvalue()
    assert "\x1b" in screen.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00"), (90061, "25:01:01")],
)
def test_durations(seconds: float, text: str) -> None:
    assert progress._duration(seconds) == text
