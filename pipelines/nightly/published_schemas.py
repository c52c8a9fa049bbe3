"""What others build on, as schemas: the summary, the webhook's body, BigQuery's table.

`docs/schemas/` holds them as files, and a test compares.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import BaseModel

from pipelines.diff.difference import Difference
from pipelines.nightly import bigquery_schema
from pipelines.nightly.webhook import Body
from pipelines.score.summary import Summary


def _json_schema(model: type[BaseModel], title: str) -> Callable[[], str]:
    def text() -> str:
        schema = model.model_json_schema(mode="serialization")
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        return json.dumps({**head, **schema, "title": title}, indent=1) + "\n"

    return text


SCHEMAS: Final[Mapping[str, Callable[[], str]]] = {
    "summary": _json_schema(Summary, "summary.json"),
    "webhook": _json_schema(Body, "The body of a webhook"),
    "diff": _json_schema(Difference, "fcn diff --json"),
    "bigquery": bigquery_schema.text,
}
"""Name -> what makes its text."""
