"""What the fault tests share: the library, servers that fork, drawn inputs."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults import scenarios, shim
from tests.faults.commands import Servers
from tests.faults.gcs_nights import Night, night
from tests.faults.scenarios import Inputs, Prepared, Scenario
from tests.faults.sweeps import Make, Scenarios


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return shim.build(tmp_path_factory.mktemp("shim"))
    except shim.NotHere as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return Inputs.draw(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def servers(
    library: Path, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    scratch = tmp_path_factory.mktemp("servers")
    count = int(os.environ.get("FAULTS_SIDE_BY_SIDE", "2"))
    started = Servers(library, scratch, count=count)
    try:
        started.warm(
            partial(inputs.fill, scenarios.score("tar"), photos="plain"),
            partial(inputs.fill, scenarios.CONVERT, photos="voc"),
        )
        yield started
    finally:
        started.close()


@pytest.fixture(scope="session")
def make(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Make:
    made: dict[str, Prepared] = {}

    def make(name: str, scenario: Scenario) -> Prepared:
        if name not in made:
            # The photos of a scenario change while its start is made: they are its own.
            own = Inputs.draw(tmp_path_factory.mktemp("inputs"))
            folder = tmp_path_factory.mktemp("scenario") / name
            with servers.one() as server:
                made[name] = scenarios.prepare(server, own, scenario, folder=folder)
        return made[name]

    return make


@pytest.fixture(scope="session")
def prepared(servers: Servers, make: Make) -> Scenarios:
    with servers.one() as server:
        available = scenarios.available(server, servers.scratch)

    def prepared(name: str) -> Prepared:
        if name not in available:
            pytest.skip(f"this version has no fcn {scenarios.SCENARIOS[name].words[0]}")
        return make(name, available[name])

    return prepared


@pytest.fixture(scope="module")
def small(
    gcs_address: str, library: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Night]:
    scratch = tmp_path_factory.mktemp("gcs")
    with night(gcs_address, library, scratch, photos=19) as made:
        yield made
