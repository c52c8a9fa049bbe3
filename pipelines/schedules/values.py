"""From settings to what the files of a kind of scheduler need; the rest is refused."""

import base64
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pipelines import files
from pipelines.faults import UsageError
from pipelines.schedules.config import Kind, ScheduleConfig

_ALWAYS: Final = {
    *("kind", "output", "nightly_config", "at", "timezone", "name"),
    *("replace", "json_output"),
}

_USED: Final[Mapping[Kind, set[str]]] = {
    "systemd": {"program", "folder", "user", "hours", "retries"},
    "cron": {"program", "folder", "user", "log", "mail"},
    "airflow": {"program", "folder", "hours", "retries"},
    "kubernetes": {
        *("image", "program", "folder", "cpu", "memory", "namespace", "claim"),
        *("service_account", "hours", "retries"),
    },
    "cloud-scheduler": {
        *("image", "program", "cpu", "memory", "project", "region"),
        *("service_account", "hours"),
    },
}
"""Which settings mean something, besides those that always do."""

_NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "systemd": (),
    "cron": (),
    "airflow": (),
    "kubernetes": ("image",),
    "cloud-scheduler": ("image", "project", "region", "service_account"),
}
_IN_CONTAINERS: Final = ("kubernetes", "cloud-scheduler")
_MOUNTED: Final = "/etc/fcn/nightly.yaml"
_CONFIG_BYTES: Final = 900_000
"""A ConfigMap may have 1 MiB."""


def values_of(config: ScheduleConfig) -> dict[str, Any]:
    """Returns the values that the templates of a kind need.

    Raises:
        UsageError: A setting is missing, or means nothing to this scheduler.
    """
    _check_fields(config)
    hour, minute = config.time
    nightly_config = _nightly_config(config)
    program = _program(config)
    text = _config_text(config)
    return {
        **config.model_dump(),
        "hour": hour,
        "minute": minute,
        "nightly_config": nightly_config,
        "program": program,
        "folder": _folder(config, nightly_config),
        "log": config.log or f"{config.name}.log",
        "command": [program, "nightly", "--config", nightly_config],
        "config_text": text,
        "mounted": _MOUNTED,
        "empty_body": base64.b64encode(b"{}").decode(),
    }


def _check_fields(config: ScheduleConfig) -> None:
    kind = config.kind
    for name in _NEEDED[kind]:
        if getattr(config, name) is None:
            meaning = ScheduleConfig.model_fields[name].description
            raise UsageError(
                f"fcn schedule {kind}: --{name} is missing, expected {meaning}; pass it"
            )
    idle = config.model_fields_set - _ALWAYS - _USED[kind]
    for name in sorted(idle):
        if getattr(config, name) != ScheduleConfig.model_fields[name].default:
            raise UsageError(
                f"fcn schedule {kind}: --{name}: got {getattr(config, name)}, expected "
                f"nothing: {kind} has no use for it; leave it out"
            )


def _nightly_config(config: ScheduleConfig) -> str:
    """Returns what `--config` is to be where the scheduler runs."""
    given = config.nightly_config
    if "://" in given:
        return files.to_uri(given)
    if config.kind == "cloud-scheduler":
        raise UsageError(
            f"--nightly_config: got {given}, expected gs://BUCKET/NAME, which a "
            "container of Cloud Run can read; gcloud storage cp it there"
        )
    return _MOUNTED if config.kind == "kubernetes" else os.path.abspath(given)  # noqa: PTH100


def _config_text(config: ScheduleConfig) -> str | None:
    """Returns the configuration itself, where the files have to bring it."""
    if config.kind != "kubernetes" or "://" in config.nightly_config:
        return None
    path = Path(config.nightly_config)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--nightly_config: got {path}, expected a YAML file to put into a "
            "ConfigMap, or gs://; write it first (fcn nightly --init)"
        ) from error
    if len(text) > _CONFIG_BYTES:
        raise UsageError(
            f"--nightly_config: got {len(text)} characters, expected at most "
            f"{_CONFIG_BYTES}, which a ConfigMap holds; put it on gs://"
        )
    return text


def _program(config: ScheduleConfig) -> str:
    """Returns the path of the command; schedulers have a PATH of their own."""
    if config.kind in _IN_CONTAINERS:
        return config.program or "fcn"
    found = config.program or shutil.which("fcn")
    if found is None:
        found = str(Path(sys.executable).with_name("fcn"))
    if not PurePosixPath(found).is_absolute():
        raise UsageError(
            f"--program: got {found}, expected an absolute path such as "
            "/opt/fcn/bin/fcn; schedulers have a PATH of their own"
        )
    return found


def _folder(config: ScheduleConfig, nightly_config: str) -> str:
    if config.folder is not None:
        if not PurePosixPath(config.folder).is_absolute():
            raise UsageError(
                f"--folder: got {config.folder}, expected an absolute path; pass it "
                "whole"
            )
        return config.folder
    if config.kind in _IN_CONTAINERS:
        return "/data"
    return "/" if "://" in nightly_config else str(Path(nightly_config).parent)
