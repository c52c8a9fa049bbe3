"""A pool of Python workers for every engine process of a host: one per host.

    python -m pipelines.runners.worker_pool --port 50000

What Beam's own pool does, `apache_beam.runners.worker.worker_pool_main`, for
`--environment_type=EXTERNAL`, but

- workers belong to who asked for them: two TaskManagers of Flink give their workers
  the same names, and Beam's pool stops the wrong one, whose TaskManager then waits for
  ever;
- workers run under this Python, not under what `python` means on the path;
- what workers print goes to standard error, not into a pipe that nobody reads;
- a worker that cannot start fails the job with a reason; else the job waits for ever.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.utils import thread_pool_executor

from pipelines.faults import SystemicFault

WORKER: Final = (
    "import os, sys; from apache_beam.runners.worker.sdk_worker import SdkHarness; "
    "import pipelines.runners.graph; "
    "ready = int(sys.argv[3]); os.write(ready, b'1'); os.close(ready); "
    "SdkHarness(sys.argv[1], worker_id=sys.argv[2], state_cache_size=0, "
    "data_buffer_time_limit_ms=-1).run()"
)
_STOP_SECONDS: Final = 10


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Starts and stops the workers of a host; an answer carries what went wrong.

    Args:
        program: What a worker runs. Address, name, and a file number follow: it writes
            a byte there when it is ready.
    """

    def __init__(self, program: Sequence[str] = (sys.executable, "-c", WORKER)):
        self._program = program
        self._lock = threading.Lock()
        self._workers: dict[tuple[str, str], list[subprocess.Popen[bytes]]] = {}

    def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - of gRPC
        """Starts a worker process, and waits until it is ready."""
        reader, writer = os.pipe()
        words = (request.control_endpoint.url, request.worker_id, str(writer))
        try:
            worker = subprocess.Popen(
                [*self._program, *words],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                pass_fds=(writer,),
            )
        except OSError as error:
            os.close(reader)
            return _answer(f"got no worker: {error}")
        finally:
            os.close(writer)
        with self._lock:
            self._forget_ended()
            key = (context.peer(), request.worker_id)
            self._workers.setdefault(key, []).append(worker)
        with open(reader, "rb", buffering=0) as ready:  # noqa: PTH123 - a number
            if ready.read(1):
                return _answer()
        return _answer(
            f"got a worker that ended with {worker.wait()} before it was ready, "
            "expected one that has Beam and this package; the pool's log has its reason"
        )

    def StopWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - of gRPC
        """Stops a worker of this asker.

        Another asker's is left alone. If the asker has connected anew nothing is found:
        its worker ends anyhow, since nobody talks to it any more.
        """
        with self._lock:
            mine = self._workers.pop((context.peer(), request.worker_id), [])
        _stop(mine)
        return beam_fn_api_pb2.StopWorkerResponse()

    def close(self) -> None:
        """Stops all workers."""
        with self._lock:
            workers = [each for some in self._workers.values() for each in some]
            self._workers.clear()
        _stop(workers)

    def running(self) -> int:
        """Returns how many workers there are."""
        with self._lock:
            self._forget_ended()
            return sum(map(len, self._workers.values()))

    def _forget_ended(self) -> None:
        for key, workers in list(self._workers.items()):
            workers[:] = [worker for worker in workers if worker.poll() is None]
            if not workers:
                del self._workers[key]


def _answer(error: str = "") -> Any:
    return beam_fn_api_pb2.StartWorkerResponse(error=error)


def _stop(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for worker in workers:
        try:
            worker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def serve(pool: WorkerPool, address: str) -> tuple[grpc.Server, int]:
    """Lets a pool listen.

    Args:
        pool: What answers.
        address: Host and port; port 0 is any free one.

    Returns:
        The server, and its port.

    Raises:
        SystemicFault: The port is taken.
    """
    # Without port sharing: two pools on one port would each get half of the calls.
    options = [
        ("grpc.so_reuseport", 0),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.max_ping_strikes", 0),
    ]
    threads = thread_pool_executor.shared_unbounded_instance()
    server = grpc.server(threads, options=options)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise SystemicFault(
            f"--port: got {address}, where nobody can listen, expected a free port; "
            "choose another"
        ) from error
    server.start()
    return server, port


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    made = argparse.ArgumentParser(
        prog="worker_pool",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--port", type=int, required=True, help="to listen at")
    made.add_argument("--host", default="127.0.0.1", help="address to listen at")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C; returns the exit code."""
    given = parser().parse_args(arguments)
    pool, ending = WorkerPool(), threading.Event()
    try:
        server, _ = serve(pool, f"{given.host}:{given.port}")
    except SystemicFault as fault:
        sys.stderr.write(f"worker_pool: {fault}\n")
        return fault.exit_code
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    ending.wait()
    server.stop(None)
    pool.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
