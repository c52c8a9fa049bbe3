"""Commands about what others read: `fcn schema`, `fcn bigquery`, `fcn alerts`."""

import json
from collections.abc import Sequence

from pipelines.cli.text import give_out
from pipelines.nightly.publishing_config import (
    AlertsConfig,
    BigQueryConfig,
    SchemaConfig,
)


def schema(arguments: Sequence[str]) -> int:
    """`fcn schema`: the schema of what others build on."""
    config, _ = SchemaConfig.parse(arguments)
    from pipelines.nightly.published_schemas import SCHEMAS

    text = SCHEMAS[config.name]()
    return give_out(text, config.output, as_json=config.json_output)


def bigquery(arguments: Sequence[str]) -> int:
    """`fcn bigquery`: a night's rows replace its partition of a table."""
    config, _ = BigQueryConfig.parse(arguments)
    from pipelines.nightly import bigquery
    from pipelines.score import lookup

    settings = bigquery.BigQuerySettings(table=config.table, location=config.location)
    night = lookup.find_committed(config.output, run_date=config.run_date).folder
    if config.preview:
        answer = bigquery.preview(settings, night)
    else:
        answer = bigquery.load_night(settings, night)
    if config.json_output:
        print(json.dumps(answer))
    else:
        verb = "would replace" if config.preview else "replaced"
        print(f"{answer['rows']} rows {verb} {answer['partition']}")
    return 0


def alerts(arguments: Sequence[str]) -> int:
    """`fcn alerts`: alarms about nights, as a monitoring system takes them."""
    config, _ = AlertsConfig.parse(arguments)
    from pipelines import files
    from pipelines.nightly import alarms

    written = alarms.write(
        config.system,
        files.to_uri(config.output),
        runbook=config.runbook,
        notify=config.notify,
    )
    print(json.dumps({"files": written}) if config.json_output else "\n".join(written))
    return 0
