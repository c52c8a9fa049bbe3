"""Sweeps: many trials side by side, and one failure with all that went wrong."""

import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import pytest

from tests.faults import damage, losses, ordering, races, scenarios, trials
from tests.faults.commands import Server, Servers
from tests.faults.damage import Damage
from tests.faults.losses import Loss
from tests.faults.races import Race
from tests.faults.scenarios import Prepared, Scenario
from tests.faults.trials import Trial

_LOG: Final = os.environ.get("FAULTS_LOG")
"""A file that gets a line for each trial as it ends."""

_EVERY: Final = int(os.environ.get("FAULTS_EVERY", "1"))
"""Only every so many of the trials, for a look at all kinds in little time."""

Scenarios = Callable[[str], Prepared]
"""Returns a scenario of `scenarios.SCENARIOS`, ready to be broken."""

Make = Callable[[str, Scenario], Prepared]
"""Makes a scenario ready, once a name."""


class Named(Protocol):
    """A trial of any kind."""

    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=Named)


def _run(
    servers: Servers,
    act: Callable[[Server, Path, Item], list[str]],
    items: Iterable[Item],
) -> None:
    def one(server: Server, folder: Path, item: Item) -> list[str]:
        wrong = act(server, folder, item)
        if _LOG:
            with Path(_LOG).open("a") as log:
                log.write(f"{item.name}: {wrong[0] if wrong else 'ok'}\n")
        return wrong

    wanted = [item for item in items if trials.ONLY in (None, item.name)][::_EVERY]
    done = servers.each(one, wanted)
    failures = [(item.name, wrong) for item, wrong in done if wrong]
    print(f"{len(done)} trials, {len(failures)} failed")  # noqa: T201
    if failures:
        pytest.fail(trials.report(failures, tried=len(done)), pytrace=False)


def _break(servers: Servers, prepared: Prepared, wanted: Iterable[Trial]) -> None:
    def one(server: Server, folder: Path, trial: Trial) -> list[str]:
        return trials.run(server, folder / "out", prepared, fault=trial.fault)

    _run(servers, one, wanted)


def kills(
    servers: Servers, prepared: Scenarios, name: str, *, count: int | None = None
) -> None:
    """Kills a command at every call, or at so many."""
    scenario = prepared(name)
    _break(servers, scenario, trials.chosen(trials.kills(name, scenario), count))


def errors(
    servers: Servers, prepared: Scenarios, name: str, *, count: int | None = None
) -> None:
    """Lets every call of a command fail, or so many."""
    scenario = prepared(name)
    wanted = trials.errors(name, scenario, random.Random(trials.SEED))
    _break(servers, scenario, trials.chosen(wanted, count))


def order(servers: Servers, prepared: Scenarios, name: str, *, folder: Path) -> None:
    """Checks that what a command's names mention is durable before them."""
    scenario = prepared(name)
    is_dataset = scenario.scenario.photos == "voc"
    rule = ordering.dataset_rule if is_dataset else ordering.score_rule
    with servers.one() as server:
        seen = losses.watch(server, folder, scenario)
    found = ordering.broken(seen.before(), seen.calls, seen.data, rule=rule)
    seen.check_model()
    if found:
        failures = [(name, [text]) for text in found]
        pytest.fail(trials.report(failures, tried=len(seen.calls)), pytrace=False)


def power_losses(
    servers: Servers, prepared: Scenarios, name: str, *, folder: Path, count: int
) -> None:
    """Acts power losses of a command out, so many of each kind."""
    scenario = prepared(name)
    with servers.one() as server:
        seen = losses.watch(server, folder, scenario)

    def one(server: Server, own: Path, loss: Loss) -> list[str]:
        return losses.run(server, own / "lost", scenario, seen=seen, loss=loss)

    _run(servers, one, losses.chosen(name, seen, count=count))


def race(servers: Servers, make: Make, name: str, *, count: int) -> None:
    """Runs races: a kind, a dash, the layout of masks."""
    kind, _, masks = name.partition("-")
    prepared = make(f"race-{name}", races.scenario(kind, masks))

    def one(server: Server, folder: Path, race: Race) -> list[str]:
        return races.run(server, folder / "out", prepared, race=race)

    _run(servers, one, [Race(kind, masks, number) for number in range(count)])


def damages(servers: Servers, make: Make, base: str, *, count: int) -> None:
    """Damages a night: `open` or `done`, a dash, the layout of its masks."""
    state, _, masks = base.partition("-")
    prepared = make(base, damage.scenario(masks, is_open=state == "open"))
    with servers.one() as server:
        check = scenarios.has_check(server, servers.scratch)

    def one(server: Server, folder: Path, item: Damage) -> list[str]:
        out = folder / "out"
        return damage.run(server, out, prepared, damage=item, check=check)

    _run(servers, one, damage.spread(base, prepared, count=count))
