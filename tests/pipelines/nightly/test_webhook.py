"""What is posted on failure and recovery, how often, and what nobody gets to read."""

import json
import logging

import pytest
from pydantic import ValidationError

from pipelines.faults import JobFault, SystemicFault, UsageError
from pipelines.nightly import webhook
from pipelines.nightly.webhook import Body, WebhookSettings, body_of, post
from tests.doubles.receiver import receiver
from tests.drawn import outcomes

SECRET = "hunter2-and-more"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "_PAUSE_SECONDS", 0.001)


def test_a_failure_is_posted() -> None:
    with receiver() as got:
        post(WebhookSettings(url=f"{got.address}/hook"), outcomes.failure())
    ((path, headers, body),) = got.requests
    assert (path, headers["Content-Type"]) == ("/hook", "application/json")
    content = json.loads(body)
    assert content.pop("id") == body_of(outcomes.failure()).id
    assert content == {
        "schema_version": 1,
        "event": "failure",
        "text": "fcn run_date=2026-11-20 of /data/out is not published: 10 planned, "
        "8 ok, 2 failed. 2 of 10 failed",
        "output": "/data/out",
        "run_date": "2026-11-20",
        "verdict": "failed",
        "exit_code": 3,
        "reasons": ["2 of 10 failed"],
        "planned": 10,
        "ok": 8,
        "failed": 2,
        "failures": {"corrupt": 1, "empty": 1},
        "seconds": 4.0,
        "images_per_second": 2.5,
        "page": "/data/out/report/run_date=2026-11-20/index.html",
    }


def test_a_night_that_broke_has_no_counts() -> None:
    body = body_of(outcomes.broken())
    assert (body.event, body.planned, body.failures, body.page) == (
        "failure",
        None,
        {},
        None,
    )
    assert body.text.endswith("broke off. " + outcomes.broken().reasons[0])
    assert Body.model_validate_json(body.model_dump_json()) == body
    assert body.id != body_of(outcomes.broken(run_date="2026-11-21")).id


@pytest.mark.parametrize(
    ("when", "posted"),
    [
        (("failure",), ["failure", "failure"]),
        (("recovery",), ["recovery"]),
        (("failure", "recovery"), ["failure", "failure", "recovery"]),
        (("always",), ["failure", "failure", "recovery", "success"]),
    ],
)
def test_only_what_is_waited_for_is_posted(
    when: tuple[webhook.When, ...], posted: list[str]
) -> None:
    ended = (
        outcomes.failure(),
        outcomes.broken(),
        outcomes.success(recovered=True),
        outcomes.success(),
    )
    with receiver() as got:
        for outcome in ended:
            post(WebhookSettings(url=got.address, when=when), outcome)
    assert [json.loads(each.body)["event"] for each in got.requests] == posted


def test_it_is_tried_again_with_the_same_body() -> None:
    with receiver([503, 429, 200]) as got:
        post(WebhookSettings(url=got.address), outcomes.failure())
    assert len(got.requests) == 3
    assert len({each.body for each in got.requests}) == 1


@pytest.mark.parametrize(
    ("statuses", "tries", "text"),
    [
        ([500], 3, "status 500"),
        ([404], 1, "status 404"),
        ([302], 1, "status 302"),  # its headers go nowhere else
    ],
)
def test_a_refusal_is_one_line(statuses: list[int], tries: int, text: str) -> None:
    with receiver(statuses) as got:
        settings = WebhookSettings(url=f"{got.address}/hook", retries=2)
        with pytest.raises(SystemicFault, match=f"127.0.0.1: got {text}"):
            post(settings, outcomes.failure())
    assert [each.path for each in got.requests] == ["/hook"] * tries


def test_who_does_not_answer_is_left() -> None:
    with receiver(pause=0.6) as got:
        settings = WebhookSettings(url=got.address, retries=1, timeout=0.1)
        with pytest.raises(SystemicFault, match="got ConnectionError after"):
            post(settings, outcomes.failure())
    assert len(got.requests) == 2


def test_secrets_come_from_the_environment_and_go_into_no_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with receiver([500]) as got:
        monkeypatch.setenv("HOOK", f"{got.address}/{SECRET}?token={SECRET}")
        monkeypatch.setenv("TOKEN", f"Bearer {SECRET}")
        settings = WebhookSettings(
            url_env="HOOK", headers_env={"Authorization": "TOKEN"}, retries=1
        )
        with pytest.raises(JobFault) as refused:
            post(settings, outcomes.failure())
        monkeypatch.setenv("HOOK", f"http://{SECRET}.invalid/{SECRET}")
        with pytest.raises(JobFault) as unreachable:
            post(settings, outcomes.failure())
    assert got.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert got.requests[0].path == f"/{SECRET}?token={SECRET}"
    texts = [str(refused.value), str(unreachable.value), caplog.text, repr(settings)]
    assert [text for text in texts if SECRET in text] == []
    assert "HOOK: got status 500" in texts[0]
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("value", ["", "no address"])
def test_a_variable_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HOOK", value)
    with pytest.raises(UsageError, match=r"^HOOK: got "):
        post(WebhookSettings(url_env="HOOK"), outcomes.failure())


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": "https://host/a", "url_env": "HOOK"},
        {"url": "https://user:secret@host/a"},
        {"url": "https://host/a?token=secret"},
        {"url": "file:///etc/passwd"},
        {"url": "https://host/a", "when": ["sometimes"]},
        {"url": "https://host/a", "header": {}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings.model_validate(wrong)
