"""Schemas in the docs are those of the code, and real values satisfy them."""

import json
from pathlib import Path

import pytest

from pipelines.diff.compare import compare
from pipelines.nightly.published_schemas import SCHEMAS
from pipelines.nightly.webhook import body_of
from pipelines.score.summary import Summary
from tests.drawn import outcomes
from tests.drawn.two_nights import AFTER, BEFORE, row, write

FOLDER = Path(__file__).resolve().parents[3] / "docs/schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_in_the_docs_is_up_to_date(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text("utf-8")
    assert text == SCHEMAS[name](), (
        f"fcn schema {name} --output docs/schemas/{name}.json"
    )


def test_there_is_no_other_file() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(SCHEMAS)


def test_values_satisfy_their_schemas(tmp_path: Path) -> None:
    nights = [write(tmp_path, night, [row(1)]) for night in (BEFORE, AFTER)]
    values = {
        "summary": outcomes.summary(),
        "webhook": body_of(outcomes.broken()),
        "diff": compare(nights[0], nights[1], photos=2),
    }
    for name, value in values.items():
        schema, content = json.loads(SCHEMAS[name]()), value.model_dump(mode="json")
        assert list(schema["properties"]) == list(content)
        assert schema["properties"]["schema_version"]["const"] == 1
        described = schema["description"]
        missing = [key for key in content if f"{key}: " not in described]
        assert missing == [], f"{name} does not say what they are"


def test_a_summary_of_an_earlier_version_is_read() -> None:
    content = outcomes.summary().model_dump(mode="json")
    del content["schema_version"]
    assert Summary.model_validate(content).schema_version == 1
