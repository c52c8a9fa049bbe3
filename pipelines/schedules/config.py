"""The settings of `fcn schedule`: when, as whom, where; and what is refused."""

import re
import unicodedata
import zoneinfo
from typing import ClassVar, Final, Literal

from pydantic import Field, field_validator

from pipelines.settings import POSITIONAL, JobConfig

Kind = Literal["systemd", "cron", "airflow", "cloud-scheduler", "kubernetes"]

_FORMS: Final = {
    "at": (r"([01]\d|2[0-3]):[0-5]\d", "a time of day such as 03:30"),
    "name": (
        r"[a-z]([a-z0-9-]{0,50}[a-z0-9])?",
        "at most 52 small letters, digits and hyphens, such as fcn-nightly",
    ),
    "user": (r"[a-z_][a-z0-9_-]{0,31}", "the name of an account such as photos"),
    "mail": (r"[^\s@\"']+@[^\s@\"']+", "an address such as team@example.com"),
    "image": (
        r"[a-z0-9][A-Za-z0-9._/@:-]{0,254}",
        "an image with its tag such as registry.example/fcn:1.0",
    ),
    "namespace": (r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "a name such as photos"),
    "claim": (r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "a name such as photos"),
    "cpu": (r"[1-9]\d{0,2}", "a number of cores such as 4"),
    "memory": (r"[1-9]\d{0,4}(Mi|Gi)", "an amount such as 8Gi"),
    "project": (r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "the ID of a project"),
    "region": (r"[a-z]+-[a-z]+\d{1,2}", "a region such as europe-west4"),
}
"""Field -> the whole of what it may be, in words for the person as well."""

_ACCOUNT: Final = r"[a-z0-9][a-z0-9.@:-]{0,252}[a-z0-9]"


class ScheduleConfig(JobConfig):
    """Write files with which a scheduler runs fcn nightly every night."""

    command: ClassVar[str] = "fcn schedule"

    kind: Kind = Field(
        description="systemd, cron, airflow, cloud-scheduler or kubernetes",
        json_schema_extra=POSITIONAL,
    )
    output: str = Field(description="folder for the files; also -o")
    nightly_config: str = Field(
        description="the --config of fcn nightly: a file as the scheduler's machine "
        "sees it, or gs://"
    )
    at: str = Field(default="03:30", description="time of day, HH:MM")
    timezone: str = Field(default="UTC", description="time zone of that time")
    name: str = Field(default="fcn-nightly", description="of unit, DAG or job")
    program: str | None = Field(
        default=None,
        description="path of the fcn command there; this one's if unset, and fcn in "
        "an image",
    )
    folder: str | None = Field(
        default=None, description="working folder; that of the configuration if unset"
    )
    user: str | None = Field(
        default=None,
        description="account that runs it; your own if unset (systemd, cron)",
    )
    log: str | None = Field(
        default=None, description="file that cron's runs append their output to"
    )
    mail: str | None = Field(
        default=None, description="whom cron writes to when a night fails"
    )
    image: str | None = Field(
        default=None, description="container image (kubernetes, cloud-scheduler)"
    )
    cpu: str = Field(default="4", description="cores of the container")
    memory: str = Field(default="8Gi", description="memory of the container")
    namespace: str = Field(default="default", description="of Kubernetes")
    claim: str | None = Field(
        default=None,
        description="volume claim that is mounted at --folder (kubernetes)",
    )
    project: str | None = Field(default=None, description="ID of the Google project")
    region: str | None = Field(default=None, description="its region")
    service_account: str | None = Field(
        default=None,
        description="account of the container, and of the call to start it",
    )
    hours: int = Field(
        default=20, ge=1, le=23, description="a night that takes longer is stopped"
    )
    retries: int = Field(
        default=3, ge=0, le=10, description="new tries of a night that broke (exit 1)"
    )
    replace: bool = Field(default=False, description="replace files that differ")

    @field_validator("*", mode="after")
    @classmethod
    def _plain_text(cls, value: object) -> object:
        """Refuses what no file here could hold as it is meant: line breaks and such."""
        if isinstance(value, str):
            for letter in value:
                if unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs"):
                    raise ValueError("expected no control characters")
            if value != value.strip():
                raise ValueError("expected no blanks around it")
        return value

    @field_validator(*_FORMS, mode="after")
    @classmethod
    def _has_form(cls, value: str | None, info: object) -> str | None:
        pattern, expected = _FORMS[str(getattr(info, "field_name", ""))]
        if value is not None and not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    @field_validator("service_account", mode="after")
    @classmethod
    def _is_account(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ACCOUNT, value):
            raise ValueError("expected the name of an account, or its address")
        return value

    @field_validator("timezone", mode="after")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in zoneinfo.available_timezones():
            raise ValueError("expected a name such as Europe/Berlin or UTC")
        return name

    @property
    def time(self) -> tuple[int, int]:
        """Hour and minute."""
        hour, _, minute = self.at.partition(":")
        return int(hour), int(minute)
