"""How far an epoch is: a bar on a terminal, plain lines when piped."""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from fcn_core.training.batches import Batch

_SECONDS_BETWEEN_LINES: Final = 20

_log = logging.getLogger(__name__)

OnStep = Callable[[int, float], None]
"""Called after each step with its number, from 1, and the mean loss so far."""


class CountedBatches:
    """Batches that count their examples as they are taken.

    Attributes:
        examples: Taken so far.
    """

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.examples = 0

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            self.examples += sum(len(piece[0]) for piece in batch)
            yield batch


def epoch_line(row: Mapping[str, float], *, of: int, judge: str) -> str:
    """Returns the line that reports a finished epoch.

    Args:
        row: Its line of the history.
        of: Number of the run's last epoch.
        judge: Name of the score that picks the best epoch.
    """
    columns = ("loss", "seconds", "images_per_second", judge)
    figures = ", ".join(f"{name} {row[name]:.4f}" for name in columns if name in row)
    seconds = (of - row["epoch"]) * row["seconds"]
    left = f", about {seconds:.0f} s of training left" if seconds else ""
    return f"epoch {row['epoch']:.0f}/{of}: {figures}{left}"


@contextlib.contextmanager
def show_steps(label: str, *, steps: int) -> Iterator[OnStep]:
    """Yields what to call after each step, to show how far an epoch is.

    Args:
        label: What to call the epoch.
        steps: The least number of them: a smaller last batch may be kept, long photos
            have more views. The end then moves on with the steps.
    """
    terminal = sys.stderr.isatty() and _log.isEnabledFor(logging.INFO)
    with _bar(label, steps) if terminal else _lines(label, steps) as on_step:
        yield on_step


@contextlib.contextmanager
def _bar(label: str, steps: int) -> Iterator[OnStep]:
    from rich import progress
    from rich.console import Console

    columns = (
        "{task.description}",
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        " loss {task.fields[loss]:.4f}  ETA",
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(
        *columns, console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(label, total=steps, loss=float("nan"))
        yield lambda done, loss: bar.update(
            task, completed=done, total=max(steps, done), loss=loss
        )


@contextlib.contextmanager
def _lines(label: str, steps: int) -> Iterator[OnStep]:
    start = last_line = time.monotonic()

    def on_step(done: int, loss: float) -> None:
        nonlocal last_line
        now = time.monotonic()
        if now - last_line > _SECONDS_BETWEEN_LINES:
            last_line = now
            end = max(steps, done)
            left = (now - start) / done * (end - done)
            _log.info(
                "%s: step %d/%d, loss %.4f, %.0f s left", label, done, end, loss, left
            )

    yield on_step
