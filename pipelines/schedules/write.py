"""Writes the files of a kind of scheduler: templates, filled and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import jinja2

from pipelines import files
from pipelines.faults import UsageError
from pipelines.schedules import quoting
from pipelines.schedules.config import Kind, ScheduleConfig
from pipelines.schedules.values import values_of

_TEMPLATES: Final = Path(__file__).parent / "templates"
_CRON_CHARACTERS: Final = 900
"""Some crons cut a line at 1000."""

FILES: Final[Mapping[Kind, Mapping[str, str]]] = {
    "systemd": {"{}.service": "systemd.service", "{}.timer": "systemd.timer"},
    "cron": {"{}.crontab": "cron.crontab"},
    "airflow": {"{}.py": "airflow.py"},
    "kubernetes": {"cronjob.yaml": "kubernetes.yaml"},
    "cloud-scheduler": {
        "run-job.json": "run-job.json",
        "scheduler-job.json": "scheduler-job.json",
    },
}
"""Name of a file, `{}` for the name of the schedule -> its template."""


def render(config: ScheduleConfig) -> dict[str, str]:
    """Returns the files of a schedule: name -> content.

    Raises:
        UsageError: A setting is missing, has no use, or cannot be written safely.
    """
    values = values_of(config)
    templates = _environment()
    names = {name.format(config.name): name for name in FILES[config.kind]}
    filled = {
        name: templates.get_template(FILES[config.kind][pattern] + ".j2")
        for name, pattern in names.items()
    } | {"README.md": templates.get_template(f"{config.kind}.md.j2")}
    texts = {name: template.render(values) for name, template in filled.items()}
    if config.kind == "cron":
        _check_length(texts[f"{config.name}.crontab"])
    return texts


def _environment() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=False,  # no HTML: each value passes a filter of its file
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(
        systemd_path=quoting.systemd_path,
        systemd_program=quoting.systemd_program,
        systemd_word=quoting.systemd_word,
        cron_word=quoting.cron_word,
        shell_word=quoting.shell_word,
        json_text=quoting.json_text,
        kubernetes_text=quoting.kubernetes_text,
        python_text=quoting.python_text,
    )
    return templates


def _check_length(crontab: str) -> None:
    longest = max(map(len, crontab.splitlines()))
    if longest > _CRON_CHARACTERS:
        raise UsageError(
            f"fcn schedule cron: got a line of {longest} characters, expected at most "
            f"{_CRON_CHARACTERS}, since some crons cut it; choose shorter paths"
        )


def write(config: ScheduleConfig) -> list[str]:
    """Writes the files of a schedule; those that are as they should be stay.

    Returns:
        Their URIs.

    Raises:
        UsageError: See `render`; or a file is there that differs.
    """
    folder = files.to_uri(config.output)
    texts = {files.join(folder, name): text for name, text in render(config).items()}
    for uri, text in texts.items():
        if not config.replace and _differs(uri, text):
            raise UsageError(
                f"{uri}: got another file, expected none or the same; look at it, then "
                "pass --replace, or choose another --output"
            )
    for uri, text in texts.items():
        files.write_atomically(uri, text.encode())
    return list(texts)


def _differs(uri: str, text: str) -> bool:
    return files.exists(uri) and files.read_bytes(uri) != text.encode()
