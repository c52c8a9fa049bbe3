"""What a person sees of a run: lines when piped, a bar with an end on a terminal."""

import io
import logging
import sys

import numpy as np
import pytest

from fcn_core.training import progress


class Clock:
    """A step takes nine seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 9
        return self.now


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Standard error becomes a terminal; returns what is written to it."""
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")  # the text in one piece
    return terminal


def test_plain_lines_when_piped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "time", Clock())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    caplog.set_level(logging.INFO)
    with progress.show_steps("epoch 1/2", steps=8) as on_step:
        for step in range(1, 9):
            on_step(step, 0.5)
    assert caplog.messages == [
        "epoch 1/2: step 3/8, loss 0.5000, 45 s left",
        "epoch 1/2: step 6/8, loss 0.5000, 18 s left",
    ]


def test_a_bar_with_the_time_left_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    terminal = use_terminal(monkeypatch)
    caplog.set_level(logging.INFO)
    with progress.show_steps("epoch 1/2", steps=8) as on_step:
        for step in range(1, 9):
            on_step(step, 0.5)
    shown = terminal.getvalue()
    assert "epoch 1/2" in shown
    assert "8/8  loss 0.5000  ETA" in shown
    assert "\r" in shown
    assert not caplog.messages


def test_no_more_than_all_steps_are_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "time", Clock())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    caplog.set_level(logging.INFO)
    with progress.show_steps("epoch 1/1", steps=1) as on_step:
        for step in range(1, 4):  # a kept rest, photos of more views
            on_step(step, 0.5)
    assert caplog.messages == ["epoch 1/1: step 3/3, loss 0.5000, 0 s left"]
    terminal = use_terminal(monkeypatch)
    with progress.show_steps("epoch 1/1", steps=1) as on_step:
        for step in range(1, 4):
            on_step(step, 0.5)
    assert "3/3  loss" in terminal.getvalue()
    assert "3/1 " not in terminal.getvalue()


def test_photos_that_were_seen_are_counted() -> None:
    pair = (np.zeros((2, 4, 4, 3)), np.zeros((2, 4, 4)))
    one = (np.zeros((1, 8, 4, 3)), np.zeros((1, 8, 4)))
    counted = progress.CountedBatches(iter([[pair, one], [one]]))
    assert len(list(counted)) == 2
    assert counted.examples == 4


def test_a_finished_epoch_tells_how_much_is_left() -> None:
    row = {"epoch": 2.0, "loss": 0.25, "seconds": 10.0, "images_per_second": 8.0}
    line = progress.epoch_line(row | {"miou": 0.5}, of=4, judge="miou")
    assert line == (
        "epoch 2/4: loss 0.2500, seconds 10.0000, images_per_second 8.0000, "
        "miou 0.5000, about 20 s of training left"
    )
    assert "left" not in progress.epoch_line(row, of=2, judge="miou")
