"""A night's table into BigQuery: one load job that replaces exactly its partition.

The table is partitioned by `run_date`. A load writes to `table$YYYYMMDD` and truncates
that partition alone, so it can be repeated: after a replay, or for each night of a
backfill. The rows of a night's replays belong to its partition, as to its folder.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from pipelines import files
from pipelines.expected import expects
from pipelines.faults import SystemicFault, UsageError
from pipelines.nightly import bigquery_schema
from pipelines.nightly.outcome import Outcome
from pipelines.score import table
from pipelines.score.layout import NightFolder, replays_of
from pipelines.score.rows import SCORES_SCHEMA

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, LoadJobConfig

TABLE: Final = r"^[a-z][a-z0-9:.-]{4,}\.[A-Za-z0-9_]+\.[A-Za-z0-9_-]+$"
_SECONDS: Final = 1800.0
"""A load job takes a minute or so; one that takes longer is a fault."""


class BigQuerySettings(BaseModel):
    """The table, and where its data set is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str = Field(
        pattern=TABLE,
        json_schema_extra=expects("project.dataset.table"),
        description="project.dataset.table",
    )
    location: str | None = Field(
        default=None, description="where its data set is, such as EU; found if unset"
    )


def load(settings: BigQuerySettings, outcome: Outcome) -> None:
    """Loads the night of an outcome, see `load_night`."""
    load_night(settings, NightFolder(outcome.output, outcome.run_date))


def load_night(settings: BigQuerySettings, night: NightFolder) -> dict[str, Any]:
    """Replaces a night's partition by what is published of the night and its replays.

    Args:
        settings: The table; it is made if there is none.
        night: The night, or one of its replays.

    Returns:
        The job's id, the partition, and its rows.

    Raises:
        UsageError: The library is missing, or nothing is published.
        SystemicFault: BigQuery refused it.
    """
    tables, partition = published_tables(night), partition_of(settings, night)
    client = _client(settings)
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        _make_table(client, settings)
        with one_file(tables) as file:
            job = client.load_table_from_file(
                file, partition, rewind=True, job_config=_job_config()
            )
        job.result(timeout=_SECONDS)
    except (GoogleAPIError, GoogleAuthError, TimeoutError) as error:
        got = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SystemicFault(
            f"{partition}: got {got}, expected BigQuery to replace the partition; mend "
            f"it, then run fcn bigquery {night.out} --table {settings.table} "
            f"--run_date {night.night}"
        ) from error
    return {"job": job.job_id, "partition": partition, "rows": job.output_rows}


def preview(settings: BigQuerySettings, night: NightFolder) -> dict[str, Any]:
    """Returns which partition would get how many rows; asks nobody.

    Raises:
        UsageError: Nothing is published.
    """
    rows = sum(
        len(batch)
        for each in published_tables(night)
        for batch in table.batches(each, ["status"])
    )
    return {"job": None, "partition": partition_of(settings, night), "rows": rows}


def partition_of(settings: BigQuerySettings, night: NightFolder) -> str:
    """Returns the partition of a night: `project.dataset.table$YYYYMMDD`."""
    return f"{settings.table}${night.night.replace('-', '')}"


def published_tables(night: NightFolder) -> list[NightFolder]:
    """Returns a night and those of its replays that are published.

    Raises:
        UsageError: None is.
    """
    nights = [NightFolder(night.out, night.night), *replays_of(night)]
    found = [each for each in nights if files.exists(each.success)]
    if not found:
        raise UsageError(
            f"{night.scores}: got no published table, expected one with _SUCCESS; "
            "finish the night with fcn score"
        )
    return found


def _client(settings: BigQuerySettings) -> "Client":
    try:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery
    except ImportError as error:
        raise UsageError(
            "bigquery: got no package google-cloud-bigquery, expected it for a load "
            "job; pip install 'fcn[gcp]'"
        ) from error
    emulated = "BIGQUERY_EMULATOR_HOST" in os.environ
    try:
        return bigquery.Client(
            project=settings.table.rsplit(".", 2)[0],
            location=settings.location,
            credentials=AnonymousCredentials() if emulated else None,
        )
    except Exception as error:
        raise SystemicFault(
            f"bigquery: got {type(error).__name__}, expected credentials of Google "
            "Cloud; run gcloud auth application-default login, or set "
            "GOOGLE_APPLICATION_CREDENTIALS"
        ) from error


def _make_table(client: "Client", settings: BigQuerySettings) -> None:
    from google.cloud import bigquery

    columns = map(bigquery.SchemaField.from_api_repr, bigquery_schema.columns())
    wanted = bigquery.Table(settings.table, schema=list(columns))
    wanted.time_partitioning = bigquery.TimePartitioning(
        field=bigquery_schema.PARTITION
    )
    client.create_table(wanted, exists_ok=True)


def _job_config() -> "LoadJobConfig":
    from google.cloud import bigquery

    config = bigquery.LoadJobConfig()
    config.source_format = bigquery.SourceFormat.PARQUET
    config.write_disposition = bigquery.WriteDisposition.WRITE_TRUNCATE
    config.create_disposition = bigquery.CreateDisposition.CREATE_NEVER
    config.schema_update_options = [bigquery.SchemaUpdateOption.ALLOW_FIELD_ADDITION]
    lists = bigquery.format_options.ParquetOptions()
    lists.enable_list_inference = True
    config.parquet_options = lists
    return config


@contextlib.contextmanager
def one_file(tables: Sequence[NightFolder]) -> Iterator[BinaryIO]:
    """Writes the rows of some tables with their date into a nameless Parquet file.

    One job has one file, so that the partition changes at once; the date must be a
    column, as the names of folders are not sent.

    Args:
        tables: A night and its replays.
    """
    date = pa.field(bigquery_schema.PARTITION, pa.date32())
    schema = SCORES_SCHEMA.append(date)
    with tempfile.TemporaryFile() as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for night in tables:
                for batch in table.batches(night, SCORES_SCHEMA.names):
                    dates = pa.array([night.night] * len(batch)).cast(pa.date32())
                    columns = [*batch.columns, dates]
                    writer.write_batch(
                        pa.RecordBatch.from_arrays(columns, schema=schema)
                    )
        file.seek(0)
        yield file
