"""Power losses after each call, acted out by a model of what POSIX promises."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import durable, ordering, output, trials
from tests.faults.commands import Ended, Server, Servers
from tests.faults.durable import FileSystem
from tests.faults.scenarios import SCENARIOS, Prepared
from tests.faults.shim import Call

LOSSES = dict.fromkeys(SCENARIOS, 40) | {"score-png": 120, "score-tar": 80}
"""How many losses of each scenario in the full sweep, of each kind of file system."""
SHORT = 3

KINDS = {"posix": durable.write_survivors, "names": durable.write_names}
"""What is left: only what POSIX promises, or every name but only synced bytes."""

Scenarios = Callable[[str], Prepared]


def _watched(server: Server, folder: Path, prepared: Prepared) -> tuple[Ended, bytes]:
    """Runs a scenario's command undisturbed, and keeps what it wrote."""
    out, data = folder / "out", folder / "data"
    words = prepared.fill(prepared.scenario.words, out)
    ended = server.run(words, out, data=data)
    assert ended.code == 0, ended.stderr
    return ended, data.read_bytes() if data.exists() else b""


def _before(folder: Path, prepared: Prepared) -> FileSystem:
    out = folder / "out"
    prepared.begin(out)
    return FileSystem.of(out) if out.exists() else FileSystem(os.path.realpath(out))


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_a_name_mentions_is_durable_before_it(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    scenario = prepared(name)
    is_dataset = scenario.scenario.photos == "voc"
    rule = ordering.dataset_rule if is_dataset else ordering.score_rule
    with servers.one() as server:
        system = _before(tmp_path, scenario)
        ended, data = _watched(server, tmp_path, scenario)
    found = ordering.broken(system, ended.calls, data, rule=rule)
    _check_model(system, tmp_path / "out")
    if found:
        failures = [(name, [text]) for text in found]
        pytest.fail(trials.report(failures, tried=len(ended.calls)), pytrace=False)


def _check_model(system: FileSystem, out: Path) -> None:
    """Checks that the model has seen every change: it ends with the files there."""
    files = {n: bytes(f.live) for n, f in system.live.items() if not f.is_folder}
    assert files == output.Output(out).bytes_of()


def _after(
    start: FileSystem, calls: tuple[Call, ...], data: bytes, *, at: int
) -> FileSystem:
    for call, _ in durable.replay(start, calls, data):
        if call.index >= at:
            break
    return start


def _sweep(servers: Servers, prepared: Prepared, folder: Path, *, count: int) -> None:
    name = next(n for n, s in SCENARIOS.items() if s is prepared.scenario)
    with servers.one() as server:
        _before(folder, prepared)
        ended, data = _watched(server, folder, prepared)
    every = [f"{name}/{kind}/{c.index}" for kind in KINDS for c in ended.calls]
    random.Random(trials.SEED).shuffle(every)
    wanted = [text for text in every if trials.ONLY in (None, text)][
        : count * len(KINDS)
    ]

    def one(server: Server, own: Path, trial: str) -> list[str]:
        _, kind, at = trial.split("/")
        # The same start has the same files, but not the same inodes: they are replayed.
        system = _before(own, prepared)
        calls = _moved(ended.calls, folder / "out", own / "out")
        lost = own / "lost"
        KINDS[kind](_after(system, calls, data, at=int(at)), lost)
        codes = prepared.scenario.again
        wrong = [f"after the loss: {text}" for text in output.problems(lost)]
        return wrong + trials.finish(server, lost, prepared, codes=codes)

    done = servers.each(one, wanted)
    failures = [(trial, wrong) for trial, wrong in done if wrong]
    if failures:
        pytest.fail(trials.report(failures, tried=len(done)), pytrace=False)


def _moved(calls: tuple[Call, ...], old: Path, new: Path) -> tuple[Call, ...]:
    was, now = os.path.realpath(old), os.path.realpath(new)
    return tuple(
        call._replace(
            path=call.path.replace(was, now), path2=call.path2.replace(was, now)
        )
        for call in calls
    )


@pytest.mark.parametrize("name", ["score-png", "convert"])
def test_some_power_losses_are_survived(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    _sweep(servers, prepared(name), tmp_path, count=SHORT)


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", LOSSES)
def test_power_losses_at_any_call_are_survived(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    _sweep(servers, prepared(name), tmp_path, count=LOSSES[name])
