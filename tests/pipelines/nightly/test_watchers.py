"""A watcher that fails is a loud line, and changes nothing."""

import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.nightly import watchers as watchers_room
from pipelines.nightly.outcome import Outcome
from pipelines.nightly.watchers import WatcherSettings, check, tell
from tests.doubles.receiver import receiver
from tests.drawn import outcomes


def test_nobody_watches_by_default() -> None:
    tell(WatcherSettings(), outcomes.failure())


def test_all_of_them_learn_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("prometheus_client", reason="pip install prometheus-client")
    path = tmp_path / "fcn.prom"
    with receiver() as got:
        settings = WatcherSettings.model_validate(
            {"metrics_file": str(path), "webhook": {"url": got.address}}
        )
        tell(settings, outcomes.failure())
    assert len(got.requests) == 1 and path.exists()
    assert caplog.records == []


def test_one_that_fails_is_a_line_and_the_next_learns_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver() as got:
        settings = WatcherSettings.model_validate(
            {
                "metrics_file": str(tmp_path / "no/fcn.prom"),
                "webhook": {"url": got.address},
            }
        )
        tell(settings, outcomes.failure())
    assert len(got.requests) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message.startswith("watcher metrics_file: ")
    assert "no such file or directory, expected to write there" in record.message


def test_a_fault_of_the_program_is_a_line_without_what_it_holds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def post(*_: object) -> None:
        raise KeyError("https://host/hunter2")

    monkeypatch.setattr(watchers_room.webhook, "post", post)
    settings = WatcherSettings.model_validate({"webhook": {"url": "https://host"}})
    tell(settings, outcomes.failure())
    (record,) = caplog.records
    assert record.message.startswith("watcher webhook: got KeyError, expected")
    assert "hunter2" not in record.message


@pytest.mark.parametrize(
    ("outcome", "loads"),
    [(outcomes.success(), 1), (outcomes.failure(), 0), (outcomes.broken(), 0)],
)
def test_only_what_is_published_is_loaded(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, loads: int
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(watchers_room.bigquery, "load", lambda *of: loaded.append(of))
    settings = WatcherSettings.model_validate(
        {"bigquery": {"table": "my-project.data.scores"}}
    )
    tell(settings, outcome)
    assert len(loaded) == loads


@pytest.mark.parametrize(
    "wrong",
    [
        {"metrics_file": "fcn.txt"},
        {"bigquery": {"table": "scores"}},
        {"webhook": "https://host"},
        {"mail": "me"},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WatcherSettings.model_validate(wrong)


def test_what_is_missing_is_known_before_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = WatcherSettings.model_validate(
        {
            "metrics_file": str(tmp_path / "no/fcn.prom"),
            "webhook": {"url_env": "HOOK", "headers_env": {"Authorization": "TOKEN"}},
            "bigquery": {"table": "my-project.data.scores"},
        }
    )
    monkeypatch.delenv("HOOK", raising=False)
    monkeypatch.setattr(watchers_room, "_has", lambda package: False)
    found = check(settings)
    assert [line.partition(": got ")[0] for line in found] == [
        f"watcher metrics_file: {tmp_path}/no",
        "watcher webhook: HOOK",
        "watcher metrics_file",
        "watcher bigquery",
    ]
    monkeypatch.undo()
    (tmp_path / "no").mkdir()
    monkeypatch.setenv("HOOK", "https://host/hunter2")
    assert [line for line in check(settings) if "hunter2" in line] == []
    assert any(
        line.startswith("watcher webhook: TOKEN: got") for line in check(settings)
    )
    monkeypatch.setenv("TOKEN", "Bearer x")
    assert not any("webhook" in line or "/no" in line for line in check(settings))
    assert check(WatcherSettings()) == []
