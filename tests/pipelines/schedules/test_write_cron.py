"""A crontab whose command arrives as it was meant, through any cron."""

import os
from pathlib import Path

import pytest

from pipelines.faults import UsageError
from tests.pipelines.schedules.stub import ODD, Stub, rendered, run_clean


def command_of(crontab: str, *, user: bool, backslashes: bool) -> str:
    """Returns what cron hands to sh: its line without times, up to the first `%`.

    Args:
        crontab: The file.
        user: Whether its lines have a user, as in /etc/cron.d.
        backslashes: Whether this cron reads `\\\\` as `\\`, too; some do.
    """
    (line,) = [each for each in crontab.splitlines() if each[:1].isdigit()]
    text, found = line.split(" ", 6 if user else 5)[-1], ""
    letters = iter(text)
    for letter in letters:
        if letter == "%":
            break  # the rest would be standard input
        if letter == "\\":
            after = next(letters)
            known = "%\\" if backslashes else "%"
            found += after if after in known else letter + after
        else:
            found += letter
    return found


def settings_of(crontab: str) -> dict[str, str]:
    lines = [line for line in crontab.splitlines() if "=" in line.split(" ")[0]]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("backslashes", [True, False])
@pytest.mark.parametrize("user", [None, "photos"])
def test_the_command_arrives_in_a_clean_environment(
    tmp_path: Path, user: str | None, backslashes: bool
) -> None:
    home, stub = tmp_path / ODD, Stub(tmp_path / ODD / "bin")
    crontab = rendered(home, "cron", program=str(stub.path), user=user, at="04:05")
    text = crontab["fcn-nightly.crontab"]
    (line,) = [each for each in text.splitlines() if each[:1].isdigit()]
    assert line.split(" ")[:5] == ["5", "4", "*", "*", "*"]
    command = command_of(text, user=user is not None, backslashes=backslashes)
    done = run_clean(["/bin/sh", "-c", command], environment={"HOME": "/"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    config = os.fspath(home / "nightly.yaml")
    assert stub.called() == (["nightly", "--config", config], os.fspath(home))
    assert (home / "fcn-nightly.log").read_text() == "a line of the log\n"


def test_a_failure_prints_its_exit_code_for_the_mail(tmp_path: Path) -> None:
    stub, log = Stub(tmp_path / "bin", code=3), tmp_path / "my log"
    fields = {"program": str(stub.path), "log": str(log), "mail": "team@example.com"}
    text = rendered(tmp_path, "cron", **fields)["fcn-nightly.crontab"]
    assert settings_of(text) == {
        "SHELL": "/bin/sh",
        "MAILTO": "team@example.com",
        "CRON_TZ": "Europe/Berlin",
    }
    command = command_of(text, user=False, backslashes=False)
    done = run_clean(["/bin/sh", "-c", command], environment={})
    assert done.returncode == 3
    assert "exit code 3" in done.stdout
    assert str(log) in done.stdout
    assert log.read_text() == "a line of the log\n"


def test_a_folder_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    fields = {"program": "/bin/true", "folder": "/no/such folder"}
    text = rendered(tmp_path, "cron", **fields)["fcn-nightly.crontab"]
    command = command_of(text, user=False, backslashes=False)
    done = run_clean(["/bin/sh", "-c", command], environment={})
    assert done.returncode != 0
    assert "exit code" in done.stdout


@pytest.mark.parametrize("name", ["back\\slash", "a" * 250 + "/" + "b" * 250])
def test_what_crons_read_differently_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="fcn schedule cron: got"):
        rendered(tmp_path, "cron", folder=f"/{name}", log=f"/{name}")
