"""Which engines there are, and why a command cannot use one."""

from collections.abc import Sequence

import pytest

from pipelines.faults import UsageError
from pipelines.runners import engines
from pipelines.runners.engine import Command, Engine

NO_MODEL = Command("/nowhere/out")


def choose(flags: Sequence[str], command: Command = NO_MODEL) -> Engine:
    return engines.choose(flags, command)


def refusal(flags: Sequence[str], command: Command = NO_MODEL) -> str:
    with pytest.raises(UsageError) as caught:
        choose(flags, command)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--runner=FnApiRunner"],
        ["--runner=DirectRunner"],
        ["--runner", "directrunner"],
        ["--direct_num_workers=2"],
    ],
)
def test_local_is_one_engine_whatever_its_word(flags: list[str]) -> None:
    engine = choose(flags)
    assert (engine.name, engine.is_remote, engine.waits) == ("FnApiRunner", False, True)
    assert engine.options is not None
    assert engine.options.get_all_options()["runner"] == "FnApiRunner"


def test_flags_of_beam_reach_it() -> None:
    options = choose(["--direct_num_workers", "2", "--job_name=nightly"]).options
    assert options is not None
    found = options.get_all_options()
    assert (found["direct_num_workers"], found["job_name"]) == (2, "nightly")


@pytest.mark.parametrize(
    ("runner", "reason"),
    [
        ("DaskRunner", "loses data"),
        ("apache_beam.runners.dask.dask_runner.DaskRunner", "loses data"),
        ("SparkRunner", "nobody has proved"),
        ("RayRunner", "Beam does not have"),
        ("PrismRunner", "downloads a server"),
        ("InteractiveRunner", "for notebooks"),
        ("nonsense", "got nonsense, expected one of FnApiRunner, PortableRunner"),
    ],
)
def test_another_runner_is_refused_with_the_reason(runner: str, reason: str) -> None:
    line = refusal([f"--runner={runner}"])
    assert line.startswith("--runner: got ")
    assert reason in line
    assert line.endswith("FnApiRunner, PortableRunner, FlinkRunner, DataflowRunner")
