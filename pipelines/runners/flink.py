"""The Flink engine: a job server that runs already, or one started beside the launcher.

The second needs Java, and the job server's jar, which Beam finds or downloads. It ends
with the launcher, so only the first lets a launcher leave.
"""

import os
import shutil
from collections.abc import Sequence
from typing import Final

from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    PipelineOptions,
    PortableOptions,
    StandardOptions,
)

from pipelines.faults import SystemicFault, UsageError
from pipelines.runners import endpoints, portable
from pipelines.runners.engine import Command, Engine

_INSIDE: Final = ("[local]", "[auto]")
"""Words for a Flink inside the job server."""


def choose(arguments: Sequence[str], command: Command) -> Engine:
    """Returns Flink as an engine.

    Raises:
        UsageError: A flag is missing, or flags do not fit.
        SystemicFault: Java, the job server or the cluster is not there.
    """
    options = PipelineOptions(list(arguments))
    if options.view_as(PortableOptions).job_endpoint:
        return portable.at_job_server("FlinkRunner", options, command)
    master = options.get_all_options(drop_default=True).get("flink_master")
    if not master:
        raise UsageError(
            "--job_endpoint is missing, expected host:port of Flink's Beam job server, "
            "or --flink_master with the cluster's host:port; pass one of them with "
            "--runner=FlinkRunner"
        )
    if options.view_as(StandardOptions).no_wait_until_finish:
        raise UsageError(
            "--no_wait_until_finish: got it with --flink_master, whose job server ends "
            "with this process, expected one that stays; start it, and pass "
            "--job_endpoint"
        )
    return _at_master(master, options, command)


def _at_master(master: str, options: PipelineOptions, command: Command) -> Engine:
    workers = options.view_as(PortableOptions)
    if master in _INSIDE and not workers.environment_type:
        workers.environment_type = "LOOPBACK"
    engine = portable.with_workers("FlinkRunner", options, command)
    needs_java = not options.view_as(FlinkRunnerOptions).flink_submit_uber_jar
    home = os.environ.get("JAVA_HOME")
    if needs_java and not (home or shutil.which("java")):
        raise SystemicFault(
            "--flink_master: got no java on this machine, expected one to run Beam's "
            "job server; install it, or pass the --job_endpoint of one that runs"
        )
    if master not in _INSIDE:
        endpoints.check_answers(
            "--flink_master",
            master,
            expected="a Flink cluster's REST interface",
            cure="start the cluster, or mend the address",
        )
    return engine
