"""Values that no scheduler's file could hold as they are meant are refused."""

from pathlib import Path

import pytest

from pipelines.faults import UsageError
from pipelines.schedules.config import ScheduleConfig

BASE = ["systemd", "--output", "out", "--nightly_config", "nightly.yaml"]


def test_the_defaults_avoid_the_hours_that_clocks_skip_and_repeat() -> None:
    config, _ = ScheduleConfig.parse(BASE)
    assert config.time == (3, 30)
    assert config.name == "fcn-nightly"


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("at", "24:00"),
        ("at", "3:30"),
        ("at", "03:30; reboot"),
        ("timezone", "Mars/Phobos"),
        ("timezone", "../etc/passwd"),
        ("name", "Nightly"),
        ("name", "a/b"),
        ("name", "x" * 53),
        ("name", "nightly\nUser=root"),
        ("user", "root; id"),
        ("user", "-x"),
        ("folder", "/data\nExecStart=/bin/sh"),
        ("nightly_config", "a\rb.yaml"),
        ("nightly_config", "a\u2028b.yaml"),
        ("program", "/opt/fcn\x00"),
        ("log", " log"),
        ("mail", "a@b c"),
        ("image", "img --privileged"),
        ("cpu", "0"),
        ("memory", "8 GB"),
        ("project", "MyProject"),
        ("region", "europe-west4-b"),
        ("service_account", "a b"),
        ("hours", "24"),
        ("retries", "-1"),
        ("claim", "Photos"),
        ("namespace", "a_b"),
    ],
)
def test_refuses(flag: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"--{flag}: got .*expected") as refused:
        ScheduleConfig.parse([*BASE, f"--{flag}={value}"])
    assert "\n" not in str(refused.value)


def test_an_unknown_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kind: got 'at', expected 'systemd'"):
        ScheduleConfig.parse(["at", *BASE[1:]])
