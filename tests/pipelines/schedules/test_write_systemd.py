"""Units that systemd accepts, whose command line arrives as it was meant."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import files
from pipelines.cli import main
from tests.pipelines.schedules.stub import ODD, Stub, rendered, run_clean

ROOT = Path(files.__file__).parents[2]


def _unit(text: str) -> configparser.RawConfigParser:
    parsed = configparser.RawConfigParser(strict=True, comment_prefixes=("#",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(text)
    return parsed


def exec_start(value: str) -> list[str]:
    """Returns the words of `ExecStart=` as systemd.service(5) and systemd.syntax(7)."""
    words: list[str] = []
    for quoted, bare in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', value):
        word = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        assert re.sub("%%", "", word).count("%") == 0, "an unknown specifier"
        word = word.replace("%%", "%")
        if words:
            assert re.sub(r"\$\$", "", word).count("$") == 0, "a variable"
            word = word.replace("$$", "$")
        words.append(word)
    return words


@pytest.mark.parametrize("user", [None, "photos"])
def test_the_command_line_arrives_in_a_clean_environment(
    tmp_path: Path, user: str | None
) -> None:
    home, stub = tmp_path / ODD, Stub(tmp_path / ODD / "bin")
    text = rendered(home, "systemd", program=str(stub.path), user=user)
    service = _unit(text["fcn-nightly.service"])["Service"]
    assert service.get("User") == user
    folder = service["WorkingDirectory"].replace("%%", "%")
    done = run_clean(exec_start(service["ExecStart"]), folder=folder, environment={})
    assert done.returncode == 0, done.stderr
    config = os.fspath(home / "nightly.yaml")
    assert stub.called() == (["nightly", "--config", config], os.fspath(home))


def test_exit_codes_and_one_night_at_a_time(tmp_path: Path) -> None:
    text = rendered(tmp_path, "systemd", retries=2, hours=6)
    unit = _unit(text["fcn-nightly.service"])
    service = unit["Service"]
    assert service["Type"] == "oneshot"  # a timer never starts one that still runs
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == ["2", "3"]
    assert unit["Unit"]["StartLimitBurst"] == "3"
    assert service["TimeoutStartSec"] == "6h"
    assert (service["KillSignal"], service["KillMode"]) == ("SIGINT", "mixed")
    assert "SuccessExitStatus" not in service  # any code but 0 is a failure
    without = rendered(tmp_path, "systemd", retries=0)["fcn-nightly.service"]
    assert "Restart" not in _unit(without)["Service"]


def test_the_timer_has_time_and_zone(tmp_path: Path) -> None:
    timer = _unit(rendered(tmp_path, "systemd", at="04:05")["fcn-nightly.timer"])
    assert timer["Timer"]["OnCalendar"] == "*-*-* 04:05:00 Europe/Berlin"
    assert timer["Timer"]["Persistent"] == "true"
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine: apt install systemd")
    calendar = [analyze, "calendar", timer["Timer"]["OnCalendar"]]
    done = subprocess.run(calendar, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Europe/Berlin" in done.stdout


@pytest.mark.parametrize("user", [None, "root"])
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path, user: str | None) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine: apt install systemd")
    home, stub = tmp_path / "my 50% $x", Stub(tmp_path / "my 50% $x/bin")
    texts = rendered(home, "systemd", program=str(stub.path), user=user)
    units = []
    for name in ("fcn-nightly.service", "fcn-nightly.timer"):
        (home / name).write_text(texts[name])
        units.append(os.fspath(home / name))
    scope = [] if user else ["--user"]
    done = subprocess.run(
        [analyze, *scope, "verify", *units],
        env={**os.environ, "XDG_RUNTIME_DIR": os.fspath(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "fcn-nightly" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


def test_systemd_would_have_found_a_wrong_line(tmp_path: Path) -> None:
    """The test above can fail."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine: apt install systemd")
    text = rendered(tmp_path, "systemd", user="root", program="/bin/true")
    broken = text["fcn-nightly.service"].replace("Type=oneshot", "Type=often")
    (tmp_path / "fcn-nightly.service").write_text(broken)
    done = subprocess.run(
        [analyze, "verify", os.fspath(tmp_path / "fcn-nightly.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "fcn-nightly.service" in done.stderr


def test_the_real_command_knows_the_line(tmp_path: Path) -> None:
    """The written line reaches `fcn nightly`, which refuses an empty configuration."""
    if "nightly" not in main._COMMANDS:
        pytest.skip("fcn nightly is not there yet: it joins with another change")
    program = tmp_path / "fcn"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipelines.cli "$@"\n')
    program.chmod(0o755)
    text = rendered(tmp_path, "systemd", program=str(program))
    (tmp_path / "nightly.yaml").write_text("no_such_key: 1\n")
    words = exec_start(_unit(text["fcn-nightly.service"])["Service"]["ExecStart"])
    done = run_clean(words, folder=tmp_path, environment={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2, done.stderr
    assert "no_such_key" in done.stderr
    assert "Traceback" not in done.stderr
