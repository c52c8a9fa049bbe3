"""The scores table has the columns that docs/scoring.md promises."""

import re
from pathlib import Path

from pipelines.score.rows import SCORES_SCHEMA

DOCS = Path(__file__).parents[3] / "docs" / "scoring.md"


def test_the_columns_are_those_of_the_manual() -> None:
    text = DOCS.read_text(encoding="utf-8").partition("| column |")[2]
    rows = [line.split(" | ") for line in text.partition("\n\n")[0].splitlines()[2:]]
    promised = [
        (name, kind)
        for names, kind, *_ in rows
        for name in re.findall(r"`(\w+)`", names)
    ]
    got = [
        (field.name, str(field.type).replace("item: ", "")) for field in SCORES_SCHEMA
    ]
    assert [name for name, _ in got] == [name for name, _ in promised]
    for (name, kind), (_, expected) in zip(got, promised, strict=True):
        assert kind.startswith(expected), name
