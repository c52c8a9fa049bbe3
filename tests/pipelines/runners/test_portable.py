"""A job server as an engine: what must be given, and what cannot be."""

import pytest

from pipelines.faults import SystemicFault, UsageError
from pipelines.runners import engines
from pipelines.runners.engine import Command
from tests.runs import engine_runs
from tests.runs.engine_runs import Server

EMBED = ["--runner=PortableRunner", "--job_endpoint=embed"]
NO_MODEL = Command("/nowhere/out")


def refusal(*flags: str, command: Command = NO_MODEL) -> str:
    with pytest.raises(UsageError) as caught:
        engines.choose(flags, command)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_job_server_is_named() -> None:
    line = refusal("--runner=PortableRunner", "--environment_type=LOOPBACK")
    assert line.startswith("--job_endpoint is missing, expected host:port")


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ([], "--environment_type: got nothing, expected how workers start"),
        (["--environment_type=EXTERN"], "--environment_type: got EXTERN, expected"),
        (
            ["--environment_type=EXTERNAL"],
            "--environment_config is missing, expected host:port of a worker pool",
        ),
        (
            ["--environment_type=EXTERNAL", "--environment_config=pool"],
            "--environment_config: got pool, expected host:port",
        ),
        (
            ["--environment_type=EXTERNAL", '--environment_config={"params": {}}'],
            "--environment_config is missing, expected host:port of a worker pool",
        ),
        (
            ["--environment_type=EXTERNAL", "--environment_config={url"],
            "--environment_config: got {url, expected JSON",
        ),
        (
            ["--environment_type=PROCESS", '--environment_config={"os": "linux"}'],
            "--environment_config: got no command",
        ),
        (
            ["--environment_type=DOCKER"],
            "--environment_config: got no image, expected one that has this package",
        ),
        (
            ["--environment_type=LOOPBACK", "--no_wait_until_finish"],
            "--no_wait_until_finish: got it with --environment_type=LOOPBACK",
        ),
    ],
)
def test_how_workers_start_is_complete(flags: list[str], line: str) -> None:
    assert refusal(*EMBED, *flags).startswith(line)


@pytest.mark.parametrize(
    "flags",
    [
        ["--environment_type=DOCKER", "--environment_config=our/image:1"],
        ["--environment_type=DOCKER", "--setup_file=./setup.py"],
        ["--environment_type=PROCESS", '--environment_config={"command": "/boot"}'],
        ["--environment_type=PROCESS", "--environment_options=process_command=/boot"],
    ],
)
def test_workers_elsewhere_are_remote(flags: list[str]) -> None:
    engine = engines.choose([*EMBED, *flags], NO_MODEL)
    assert (engine.name, engine.is_remote, engine.waits) == (
        "PortableRunner",
        True,
        True,
    )


def test_workers_of_the_launcher_are_not() -> None:
    engine = engines.choose(
        [*EMBED, "--environment_type=LOOPBACK"], Command("/out", "auto", "auto")
    )
    assert not engine.is_remote


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (Command("/out", "auto", "f32"), "--engine: got auto, expected openvino or"),
        (
            Command("/out", "openvino", "auto"),
            "--precision: got auto, expected f32, bf16 or int8",
        ),
    ],
)
def test_a_launcher_does_not_choose_for_its_workers(
    command: Command, line: str
) -> None:
    flags = ["--environment_type=DOCKER", "--environment_config=our/image:1"]
    assert refusal(*EMBED, *flags, command=command).startswith(line)
    fits = Command("/out", "openvino", "f32")
    assert engines.choose([*EMBED, *flags], fits).is_remote


def test_a_pool_beside_an_embedded_server_answers(pool: Server) -> None:
    assert engines.choose(engine_runs.flags(pool), NO_MODEL).is_remote
    line = refusal(*engine_runs.flags(pool), "--no_wait_until_finish")
    assert line.startswith("--no_wait_until_finish: got it with --job_endpoint=embed")
    port = engine_runs.free_port()
    flags = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
    with pytest.raises(SystemicFault) as caught:
        engines.choose([*EMBED, *flags], NO_MODEL)
    assert str(caught.value).startswith(
        f"--environment_config: got no answer from localhost:{port}, expected a worker "
        "pool of Beam; start it with python -m pipelines.runners.worker_pool"
    )


def test_a_job_server_that_stays_lets_a_launcher_leave(
    pool: Server, job_server: Server
) -> None:
    words = [*engine_runs.flags(pool, job_server=job_server), "--no_wait_until_finish"]
    engine = engines.choose(words, NO_MODEL)
    assert (engine.is_remote, engine.waits) == (True, False)
