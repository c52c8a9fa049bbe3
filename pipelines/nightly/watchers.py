"""Those who learn how a night ended: a metrics file, a webhook, a table in BigQuery.

A watcher that fails changes neither the night's verdict nor the exit code. It is one
loud line that says what to do, and the next watcher goes on.
"""

import importlib.util
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from pipelines import files
from pipelines.expected import expects
from pipelines.faults import JobFault
from pipelines.nightly import bigquery, metrics_file, webhook
from pipelines.nightly.bigquery import BigQuerySettings
from pipelines.nightly.outcome import Outcome
from pipelines.nightly.webhook import WebhookSettings

_log: Final = logging.getLogger(__name__)

Watch = Callable[[], None]


class WatcherSettings(BaseModel):
    """Who is to learn how each night of each output ended; nobody by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics_file: str | None = Field(
        default=None,
        pattern=r"\.prom$",
        json_schema_extra=expects("a path that ends in .prom"),
        description="file of Prometheus metrics for the node exporter's textfile "
        "collector, such as /var/lib/node_exporter/textfile/fcn.prom; its folder must "
        "be there",
    )
    webhook: WebhookSettings | None = Field(
        default=None, description="where a JSON body is posted"
    )
    bigquery: BigQuerySettings | None = Field(
        default=None,
        description="the table whose partition of the night is replaced on success",
    )


def tell(watchers: WatcherSettings, outcome: Outcome) -> None:
    """Lets all watchers know how a night ended; never raises for one that fails.

    Args:
        watchers: Who they are.
        outcome: The end of one night of one output.
    """
    for name, watch in _watches(watchers, outcome):
        try:
            watch()
        except Exception as error:
            _log.warning("watcher %s: %s", name, _line(error))


def check(watchers: WatcherSettings) -> list[str]:
    """Returns what would keep a watcher from learning of a night, a line each.

    It is known before the night: the variables of a webhook, the folder of a file, a
    package. Nobody is asked over the network.
    """
    found = list[str]()
    if watchers.metrics_file is not None:
        folder = files.to_uri(watchers.metrics_file).rpartition("/")[0]
        if not files.is_folder(folder):
            found.append(
                f"watcher metrics_file: {folder}: got no folder, expected that of the "
                "textfile collector; make it, or correct the path"
            )
    if watchers.webhook is not None:
        try:
            webhook.check(watchers.webhook)
        except JobFault as fault:
            found.append(f"watcher webhook: {fault}")
    needed = {"metrics_file": "prometheus_client", "bigquery": "google.cloud.bigquery"}
    for name, package in needed.items():
        if getattr(watchers, name) is not None and not _has(package):
            found.append(
                f"watcher {name}: got no package {package}, expected it to be "
                "installed; pip install 'fcn[gcp]'"
            )
    return found


def _has(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


def _watches(
    watchers: WatcherSettings, outcome: Outcome
) -> Iterator[tuple[str, Watch]]:
    """Yields each watcher's name, and what lets it know."""
    if watchers.metrics_file is not None:
        yield (
            "metrics_file",
            partial(metrics_file.write, watchers.metrics_file, outcome),
        )
    if watchers.webhook is not None:
        yield "webhook", partial(webhook.post, watchers.webhook, outcome)
    if watchers.bigquery is not None and outcome.verdict == "success":
        yield "bigquery", partial(bigquery.load, watchers.bigquery, outcome)


def _line(error: Exception) -> str:
    """Returns an error in one line; of a stranger's exception no more than its class.

    Its text may hold what nobody may read: an address with a token, a header.
    """
    if isinstance(error, JobFault):
        return str(error)
    if isinstance(error, OSError) and error.strerror is not None:
        where = f"{error.filename}: " if error.filename else ""
        return (
            f"{where}got {error.strerror.lower()}, expected to write there; the night "
            "is as it was, mend it before the next one"
        )
    return (
        f"got {type(error).__name__}, expected it to take the outcome; the night is as "
        "it was, mend the watcher's settings before the next one"
    )
