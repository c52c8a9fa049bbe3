"""What the Flink tests share: one cluster, and a night to score on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.deploy.flink import jars
from pipelines.deploy.flink.commands import Ports
from pipelines.deploy.flink.local_cluster import Cluster
from pipelines.faults import SystemicFault
from tests.flink.nights import Night

JARS = Path(os.environ.get("FCN_FLINK_JARS", "~/.cache/fcn-flink/lib")).expanduser()


@pytest.fixture(scope="session")
def flink_jars() -> Path:
    """Flink's jars, fetched once."""
    try:
        jars.find_java()
        jars.fetch(JARS)
    except SystemicFault as fault:
        pytest.skip(str(fault))
    return JARS


@pytest.fixture(scope="session")
def cluster(
    flink_jars: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("flink")
    with Cluster.start(folder, flink_jars, ports=Ports.choose()) as started:
        yield started


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return Night.score_here(tmp_path_factory.mktemp("night"))
