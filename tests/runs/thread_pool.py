"""Beam's worker pool with threads for workers: no process to start for each job.

python -m tests.runs.thread_pool --port=PORT
"""

import sys
import threading

from apache_beam.runners.worker.worker_pool_main import (
    BeamFnExternalWorkerPoolServicer,
)


def main() -> None:
    """Serves until it is killed."""
    port = int(sys.argv[1].partition("=")[2])
    _, server = BeamFnExternalWorkerPoolServicer.start(use_process=False, port=port)
    threading.Event().wait()
    server.stop(0)


if __name__ == "__main__":
    main()
