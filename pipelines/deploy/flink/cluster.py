"""Starts and stops a small Flink on this machine, to try jobs on.

    python -m pipelines.deploy.flink.cluster start --folder ~/flink-to-try
    python -m pipelines.deploy.flink.cluster status --folder ~/flink-to-try
    python -m pipelines.deploy.flink.cluster stop --folder ~/flink-to-try

The first start fetches Flink's jars by Maven. See docs/flink.md.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pipelines.deploy.flink.commands import Ports
from pipelines.deploy.flink.local_cluster import Cluster
from pipelines.faults import JobFault, SystemicFault, UsageError, of_system

_MODELS = "--engine=openvino --precision=f32"


class _Parser(argparse.ArgumentParser):
    """An error is one line, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see --help")


def parser() -> argparse.ArgumentParser:
    """Returns what the script understands."""
    made = _Parser(prog="cluster", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("action", choices=("start", "status", "stop"))
    made.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="the cluster's own: jars, settings, logs, process ids",
    )
    made.add_argument(
        "--task_managers", type=_positive, default=2, help="each has one slot"
    )
    made.add_argument(
        "--jars", type=Path, help="folder of Flink's jars; FOLDER/lib if unset"
    )
    for name, what in (
        ("job", "Beam's job server"),
        ("web", "Flink's page"),
        ("pool", "the Python workers' pool"),
    ):
        made.add_argument(
            f"--{name}_port", type=_positive, help=f"of {what}; a free one if unset"
        )
    return made


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}, expected 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the script; returns its exit code: 0 ok, 1 failed, 2 usage."""
    try:
        given = parser().parse_args(arguments)
        actions = {"start": _start, "status": _status, "stop": _stop}
        actions[given.action](given)
    except JobFault as fault:
        print(f"cluster: {fault}", file=sys.stderr)
        return fault.exit_code
    except OSError as error:
        print(f"cluster: {of_system(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cluster: interrupted; nothing of it runs", file=sys.stderr)
        return 130
    return 0


def _start(given: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what it began
    ports = Ports.choose(job=given.job_port, web=given.web_port, pool=given.pool_port)
    jar_folder = given.jars or given.folder / "lib"
    if not jar_folder.is_dir():
        print(f"fetching Flink's jars into {jar_folder} ...", file=sys.stderr)
    cluster = Cluster.start(
        given.folder, jar_folder, ports=ports, task_managers=given.task_managers
    )
    print(f"Flink runs, {cluster.task_managers} slots: {cluster.web}", file=sys.stderr)
    print("flags for fcn convert, score, replay, evaluate and stats:", file=sys.stderr)
    print(" ".join(cluster.flags()))
    print(f"and where models run: {_MODELS}", file=sys.stderr)


def _status(given: argparse.Namespace) -> None:
    cluster = Cluster.open(given.folder)
    dead = cluster.dead()
    for process in cluster.processes.values():
        state = "has died" if process in dead else "runs"
        print(f"{process.name:<14} {process.pid:>8} {state}")
        for line in process.tail(5) if process in dead else ():
            print(f"  {line[:300]}")
    if dead:
        raise SystemicFault(f"{dead[0].epitaph()}; stop the cluster and start it again")
    if missing := cluster.missing():
        raise SystemicFault(f"got no {missing}, expected a cluster that is ready; wait")
    print(f"ready: {cluster.web}")
    print(" ".join(cluster.flags()))


def _stop(given: argparse.Namespace) -> None:
    cluster = Cluster.open(given.folder)
    cluster.stop()
    print(f"stopped {len(cluster.processes)} processes", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
