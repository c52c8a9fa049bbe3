"""Servers that are there, that are not, and that are something else."""

import socket
import time

import pytest

from pipelines.faults import SystemicFault, UsageError
from pipelines.runners import endpoints
from tests.runs import engine_runs
from tests.runs.engine_runs import Server


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("localhost:8099", ("localhost", 8099)),
        ("http://flink.example:8081/", ("flink.example", 8081)),
        ("[::1]:50000", ("::1", 50000)),
    ],
)
def test_an_address_is_host_and_port(address: str, found: tuple[str, int]) -> None:
    assert endpoints.parse("--job_endpoint", address) == found


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:0", "h:99999"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(UsageError, match=r"--job_endpoint: got .* expected host:port"):
        endpoints.parse("--job_endpoint", address)


def check(address: str) -> str:
    started = time.monotonic()
    with pytest.raises(SystemicFault) as caught:
        endpoints.check_job_server(address, cure="start it")
    assert time.monotonic() - started < 10
    return str(caught.value)


def test_nobody_there() -> None:
    address = f"127.0.0.1:{engine_runs.free_port()}"
    assert check(address) == (
        f"--job_endpoint: got no answer from {address}, expected a Beam job server; "
        "start it"
    )


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "_ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert check(address).startswith(
            f"--job_endpoint: got another answer from {address} (DEADLINE_EXCEEDED)"
        )


def test_a_server_of_another_kind(pool: Server) -> None:
    assert check(pool.address).startswith(
        f"--job_endpoint: got another answer from {pool.address} (UNIMPLEMENTED)"
    )


def test_a_job_server(job_server: Server) -> None:
    endpoints.check_job_server(job_server.address, cure="start it")
