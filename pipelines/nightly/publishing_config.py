"""Settings of the commands about what others read: `fcn schema`, `fcn bigquery`."""

from typing import ClassVar, Literal

from pydantic import Field

from pipelines.expected import expects
from pipelines.nightly.bigquery import TABLE
from pipelines.score.config import OutputConfig
from pipelines.settings import POSITIONAL, JobConfig


class SchemaConfig(JobConfig):
    """Print the schema of what others build on."""

    command: ClassVar[str] = "fcn schema"

    name: Literal["summary", "webhook", "diff", "bigquery"] = Field(
        description="summary.json, the webhook's body and fcn diff --json as JSON "
        "Schema, or the table in BigQuery as bq mk takes it",
        json_schema_extra=POSITIONAL,
    )
    output: str | None = Field(
        default=None, description="file to write; printed if unset"
    )


class BigQueryConfig(OutputConfig):
    """Load a published night into its partition of a table in BigQuery."""

    command: ClassVar[str] = "fcn bigquery"

    table: str = Field(
        pattern=TABLE,
        json_schema_extra=expects("project.dataset.table"),
        description="project.dataset.table",
    )
    run_date: str | None = Field(
        default=None, description="the night, YYYY-MM-DD; the latest if unset"
    )
    location: str | None = Field(
        default=None, description="where the data set is, such as EU; found if unset"
    )
    preview: bool = Field(
        default=False, description="say which rows would replace which partition"
    )


class AlertsConfig(JobConfig):
    """Write alarms about nights for a monitoring system."""

    command: ClassVar[str] = "fcn alerts"

    system: Literal["prometheus", "cloud-monitoring"] = Field(
        description="prometheus: a file of rules; cloud-monitoring: a file a policy",
        json_schema_extra=POSITIONAL,
    )
    output: str = Field(description="folder for the files")
    runbook: str | None = Field(
        default=None, description="address of your copy of docs/runbook.md"
    )
    notify: str | None = Field(
        default=None,
        pattern=r"^projects/[^/]+/notificationChannels/[^/]+$",
        json_schema_extra=expects("projects/PROJECT/notificationChannels/NUMBER"),
        description="notification channel of Cloud Monitoring",
    )
