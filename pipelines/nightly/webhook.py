"""A JSON body to a URL, on failure and on recovery: chats, pagers, own services.

No secret stands in a configuration: a header's value, and a URL that is one itself, are
names of environment variables. None is in a message or a log either.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from fcn_core.canonical import content_sha256
from pipelines.chunks.frozen import Frozen
from pipelines.faults import SystemicFault, UsageError
from pipelines.nightly.outcome import Outcome

Event: TypeAlias = Literal["failure", "recovery", "success"]
When: TypeAlias = Literal["failure", "recovery", "always"]

SCHEMA_VERSION: Final = 1
_RETRIED: Final = (408, 425, 429, 500, 502, 503, 504)
_PAUSE_SECONDS: Final = 1.0
"""Before the second try; doubled each time, with as much again at random."""

_LONGEST_PAUSE: Final = 60.0


class WebhookSettings(BaseModel):
    """Where to post, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = Field(
        default=None, description="http(s) address without a secret in it"
    )
    url_env: str | None = Field(
        default=None,
        description="environment variable that holds the address, where it is a secret",
    )
    when: tuple[When, ...] = Field(
        default=("failure", "recovery"),
        description="failure, recovery (the first success after one), or always",
    )
    headers_env: dict[str, str] = Field(
        default={},
        description="header -> environment variable that holds its value, such as "
        "Authorization: FCN_WEBHOOK_TOKEN",
    )
    retries: int = Field(default=5, ge=0, le=20, description="tries after the first")
    timeout: float = Field(default=10.0, gt=0, le=300, description="seconds a try")

    @field_validator("url")
    @classmethod
    def _without_secret(cls, url: str | None) -> str | None:
        if url is not None and not is_address(url):
            raise ValueError("expected an address such as https://host/path")
        parts = urlsplit(url or "")
        if parts.query or parts.username or parts.password:
            raise ValueError(
                "expected no secret in it: put the address into an environment "
                "variable, and name that as url_env"
            )
        return url

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("expected either url or url_env")
        return self


class Body(Frozen):
    """What is posted; readers ignore fields that they do not know.

    Attributes:
        schema_version: Raised where a field changes its meaning or goes.
        id: The same for every try, and for the same outcome again.
        event: `failure`: not published or broken; `recovery`: the first success after
            one; `success`: another.
        text: All of it in a line, as chats show it.
        output: Folder or gs:// prefix of the results.
        run_date: The night, YYYY-MM-DD.
        verdict: `success`, `failed` (a gate closed) or `broken` (it can be run again).
        exit_code: Of the command.
        reasons: One sentence for each gate that closed, or the fault.
        planned: Photos of the night; null where it broke before there were any.
        ok: Of them with a result.
        failed: Of them with a reason.
        failures: Reason -> photos.
        seconds: Time of the last attempt.
        images_per_second: Computed photos in that time.
        page: Where the night's page is, once there is one.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str = ""
    event: Event
    text: str
    output: str
    run_date: str
    verdict: Literal["success", "failed", "broken"]
    exit_code: int
    reasons: tuple[str, ...]
    planned: int | None = None
    ok: int | None = None
    failed: int | None = None
    failures: dict[str, int] = Field(default={})
    seconds: float | None = None
    images_per_second: float | None = None
    page: str | None = None


def is_address(url: str) -> bool:
    """Whether a text is an http(s) address with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def event_of(outcome: Outcome) -> Event:
    """Returns what an outcome is to those who wait for one."""
    if outcome.verdict != "success":
        return "failure"
    return "recovery" if outcome.recovered else "success"


def body_of(outcome: Outcome) -> Body:
    """Returns what is posted about an outcome."""
    summary, page = outcome.summary, None
    if summary is not None:
        from pipelines.score.layout import NightFolder

        page = NightFolder(outcome.output, outcome.run_date).page
    body = Body(
        event=event_of(outcome),
        text=_text(outcome),
        page=page,
        **outcome.model_dump(
            include={"output", "run_date", "verdict", "exit_code", "reasons"}
        ),
        **(
            {}
            if summary is None
            else summary.model_dump(
                include={
                    "planned",
                    "ok",
                    "failed",
                    "failures",
                    "seconds",
                    "images_per_second",
                }
            )
        ),
    )
    return body.model_copy(update={"id": content_sha256(body.model_dump(mode="json"))})


def _text(outcome: Outcome) -> str:
    night = f"fcn run_date={outcome.run_date} of {outcome.output}"
    counts = ""
    if (summary := outcome.summary) is not None:
        counts = (
            f": {summary.planned} planned, {summary.ok} ok, {summary.failed} failed"
        )
    if outcome.verdict == "success":
        again = "is well again" if outcome.recovered else "is done"
        return f"{night} {again}{counts}"
    what = "is not published" if outcome.verdict == "failed" else "broke off"
    why = "; ".join(outcome.reasons) or f"exit code {outcome.exit_code}"
    return f"{night} {what}{counts}. {why}"


def post(settings: WebhookSettings, outcome: Outcome) -> None:
    """Posts an outcome where its event is waited for, and tries again if need be.

    Raises:
        UsageError: An environment variable is not set, or holds no address.
        SystemicFault: Nobody took it.
    """
    event = event_of(outcome)
    if event not in settings.when and "always" not in settings.when:
        return
    url, headers = _address(settings), _headers(settings)
    data = body_of(outcome).model_dump_json().encode()
    headers["Content-Type"] = "application/json"
    where = settings.url_env or urlsplit(url).hostname
    try:
        with _quiet(), requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=_retry(settings)))
            answer = session.post(
                url,
                data=data,
                headers=headers,
                timeout=settings.timeout,
                allow_redirects=False,  # they would carry the headers elsewhere
            )
    except (requests.RequestException, ValueError) as error:
        raise _refused(where, type(error).__name__, settings) from None
    if not answer.ok or answer.is_redirect:
        raise _refused(where, f"status {answer.status_code}", settings)


def check(settings: WebhookSettings) -> None:
    """Checks that the environment has what the webhook needs.

    Raises:
        UsageError: An environment variable is not set, or holds no address.
    """
    _address(settings)
    _headers(settings)


def _refused(where: str | None, got: str, settings: WebhookSettings) -> SystemicFault:
    tries = settings.retries + 1
    return SystemicFault(
        f"{where}: got {got} after at most {tries} tries, expected it to take the "
        "outcome; look at what answers there, the night is as it was"
    )


def _retry(settings: WebhookSettings) -> Retry:
    return Retry(
        total=settings.retries,
        status_forcelist=_RETRIED,
        allowed_methods=None,  # a POST, too: the body has an id
        backoff_factor=_PAUSE_SECONDS,
        backoff_jitter=_PAUSE_SECONDS,
        backoff_max=_LONGEST_PAUSE,
        raise_on_status=False,
    )


def _address(settings: WebhookSettings) -> str:
    if settings.url is not None:
        return settings.url
    url = _variable(str(settings.url_env))
    if not is_address(url):
        raise UsageError(
            f"{settings.url_env}: got no address, expected one such as "
            "https://host/path; set the environment variable"
        )
    return url


def _headers(settings: WebhookSettings) -> dict[str, str | bytes]:
    return {name: _variable(of) for name, of in settings.headers_env.items()}


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise UsageError(
            f"{name}: got an empty environment variable, expected the secret of the "
            "webhook; set it where the night is started"
        )
    return value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps addresses, which may be secrets, out of the log of the HTTP library."""
    log = logging.getLogger("urllib3")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
