"""An outcome survives the way to those who watch."""

import pytest
from pydantic import ValidationError

from pipelines.nightly.outcome import Outcome


def test_an_outcome_returns_from_its_json() -> None:
    outcome = Outcome(
        output="gs://bucket/out",
        run_date="2026-11-20",
        verdict="failed",
        exit_code=3,
        reasons=("11 of 200 failed (5.5%), expected at most 5.0%",),
    )
    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(ValidationError):
        Outcome(output="o", run_date="2026-11-20", verdict="odd", exit_code=0)
