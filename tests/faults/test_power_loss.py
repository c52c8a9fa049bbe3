"""Power losses on ext4: the disk is copied, the copy mounted, the night ended."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults import disks, output, trials
from tests.faults.commands import Servers
from tests.faults.scenarios import Prepared
from tests.faults.shim import Fault, NotHere
from tests.faults.sweeps import Scenarios

AFTER = (0.0, 1.0, 3.0, 5.5, 8.0, 14.0, 20.0)
"""Seconds after the end of a night at which the disk is copied."""

STOPPED = {0.4: (0.0, 6.0), 0.7: (0.0, 6.0), 0.95: (0.0, 6.0)}
"""Where in a night it is stopped, as a share of its calls, and the seconds then."""


def _copies(
    servers: Servers,
    prepared: Prepared,
    folder: Path,
    *,
    fault: Fault,
    delays: tuple[float, ...],
) -> Iterator[tuple[float, Path]]:
    """Yields copies of a disk, so many seconds after the night ended or stopped."""
    image = folder / "disk"
    disks.make(image)
    with ExitStack() as stack:
        server = stack.enter_context(servers.one())
        place = stack.enter_context(disks.mounted(image, folder / "mounted"))
        out = place / "out"
        words = prepared.fill(prepared.scenario.words, out)
        running = server.start(words, out, fault)
        ended = running.wait()
        if fault.mode == "stop":
            assert ended is None, "it was to be stopped"
            stack.callback(running.kill)
        else:
            assert ended is not None
            assert ended.code == 0, ended.stderr
        since = time.monotonic()
        for delay in delays:
            time.sleep(max(0.0, since + delay - time.monotonic()))
            disks.copy(image, copy := folder / f"copy-{delay}")
            yield delay, copy


def _lose(
    servers: Servers,
    prepared: Prepared,
    folder: Path,
    *,
    name: str,
    delays: tuple[float, ...],
    stop: float | None = None,
) -> None:
    at = round(len(prepared.calls) * stop) if stop else 0
    fault = Fault("stop", at) if stop else Fault()
    copies = list(_copies(servers, prepared, folder, fault=fault, delays=delays))
    failures = []
    for delay, copy in copies:
        lost = folder / f"lost-{delay}"
        with disks.mounted(copy, lost), servers.one() as server:
            out = lost / "out"
            wrong = [f"after the loss: {text}" for text in output.problems(out)]
            wrong += trials.finish(server, out, prepared)
        if wrong:
            failures.append((f"{name} {delay} s later", wrong))
    if failures:
        pytest.fail(trials.report(failures, tried=len(copies)), pytrace=False)


def lose(
    servers: Servers,
    prepared: Scenarios,
    folder: Path,
    *,
    name: str = "score-png",
    delays: tuple[float, ...] = AFTER,
    stop: float | None = None,
) -> None:
    """Loses power after a night, or in it, and ends the night on what is left."""
    try:
        scenario = prepared(name)
        what = f"{name} stopped at {stop}" if stop else f"{name} ended"
        _lose(servers, scenario, folder, name=what, delays=delays, stop=stop)
    except NotHere as reason:
        pytest.skip(str(reason))


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["score-png", "score-tar", "convert"])
def test_power_lost_after_the_end(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    lose(servers, prepared, tmp_path, name=name)


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stop", STOPPED)
def test_power_lost_in_the_night(
    servers: Servers, prepared: Scenarios, tmp_path: Path, stop: float
) -> None:
    lose(servers, prepared, tmp_path, delays=STOPPED[stop], stop=stop)
