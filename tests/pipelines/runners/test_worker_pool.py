"""The pool of workers: each asker stops its own, and a failed start has a reason."""

import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2 as api
from apache_beam.portability.api import beam_fn_api_pb2_grpc as services
from apache_beam.portability.api import endpoints_pb2

from pipelines.faults import SystemicFault
from pipelines.runners import worker_pool
from pipelines.runners.worker_pool import WorkerPool

READY = "import os, sys; os.write(int(sys.argv[3]), b'1'); "
SLEEPS = READY + "import time; print('x' * 200_000, flush=True); time.sleep(100)"


class Asker:
    """A client with a connection of its own, as each TaskManager has one."""

    def __init__(self, port: int):
        # gRPC shares connections of one process between equal channels otherwise.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
        self._stub = services.BeamFnExternalWorkerPoolStub(self.channel)

    def start(self, name: str = "1-1") -> str:
        endpoint = endpoints_pb2.ApiServiceDescriptor(url="localhost:1")
        request = api.StartWorkerRequest(worker_id=name, control_endpoint=endpoint)
        return self._stub.StartWorker(request, timeout=60).error

    def stop(self, name: str = "1-1") -> None:
        self._stub.StopWorker(api.StopWorkerRequest(worker_id=name), timeout=60)


def serve(program: list[str]) -> Iterator[tuple[WorkerPool, list[Asker]]]:
    pool = WorkerPool(program)
    server, port = worker_pool.serve(pool, "127.0.0.1:0")
    askers = [Asker(port), Asker(port)]
    yield pool, askers
    for asker in askers:
        asker.channel.close()
    server.stop(None)
    pool.close()


@pytest.fixture
def served() -> Iterator[tuple[WorkerPool, list[Asker]]]:
    yield from serve([sys.executable, "-c", SLEEPS])


def test_equal_names_of_two_askers_are_two_workers(served: Any) -> None:
    pool, (one, other) = served
    assert one.start() == other.start() == ""
    one.stop()
    assert pool.running() == 1, "the other's worker must live"
    one.stop()  # again: there is none of it any more
    assert pool.running() == 1
    other.stop()
    assert pool.running() == 0


def test_all_end_with_the_pool(served: Any) -> None:
    pool, (one, _) = served
    assert one.start("1-1") == one.start("2-1") == ""
    assert pool.running() == 2
    pool.close()
    assert pool.running() == 0


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ([sys.executable, "-c", "raise SystemExit(7)"], "ended with 7 before"),
        (["/nowhere/python"], "got no worker: "),
    ],
)
def test_a_failed_start_has_a_reason(program: list[str], reason: str) -> None:
    for pool, (one, _) in serve(program):
        assert reason in one.start()
        assert pool.running() == 0


def test_a_worker_of_beam_gets_ready() -> None:
    """The real program loads Beam and this package, then misses its server."""
    for pool, (one, _) in serve([sys.executable, "-c", worker_pool.WORKER]):
        assert one.start() == ""
        one.stop()
        assert pool.running() == 0


def test_a_taken_port(served: Any, capsys: pytest.CaptureFixture[str]) -> None:
    del served
    server, port = worker_pool.serve(WorkerPool(), "127.0.0.1:0")
    with pytest.raises(SystemicFault, match="expected a free port"):
        worker_pool.serve(WorkerPool(), f"127.0.0.1:{port}")
    assert worker_pool.main(["--port", str(port)]) == 1
    assert "expected a free port" in capsys.readouterr().err
    server.stop(None)
