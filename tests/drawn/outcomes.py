"""How drawn nights ended, as watchers learn it."""

from typing import Any

from pipelines.nightly.outcome import Outcome
from pipelines.score.summary import Summary

OUT = "/data/out"
NIGHT = "2026-11-20"


def summary(**changes: Any) -> Summary:
    """Returns a night of ten photos, two of which failed."""
    values: dict[str, Any] = {
        "run_date": NIGHT,
        "kind": "score",
        "verdict": "success",
        "why": None,
        "planned": 10,
        "ok": 8,
        "failed": 2,
        "skipped": 5,
        "waiting": 1,
        "ignored": 0,
        "failures": {"corrupt": 1, "empty": 1},
        "computed": 10,
        "seconds": 4.0,
        "images_per_second": 2.5,
        "engine": "openvino",
        "precision": "f32",
        "instruction_set": "avx2",
        "fingerprint": "f" * 64,
        "models": (),
        "command": "fcn score --input photos --output out",
        "output": OUT,
    }
    return Summary.model_validate(values | changes)


def success(**changes: Any) -> Outcome:
    """Returns a published night."""
    return _outcome(
        {"verdict": "success", "exit_code": 0, "summary": summary()}, changes
    )


def failure(**changes: Any) -> Outcome:
    """Returns a night that a gate refused."""
    refused = summary(verdict="failed", why="2 of 10 failed")
    values = {"verdict": "failed", "exit_code": 3, "reasons": ("2 of 10 failed",)}
    return _outcome({**values, "summary": refused}, changes)


def broken(**changes: Any) -> Outcome:
    """Returns a night that broke before there was anything to sum up."""
    fault = "plan.json: got a damaged plan, expected what this program froze"
    return _outcome({"verdict": "broken", "exit_code": 1, "reasons": (fault,)}, changes)


def _outcome(values: dict[str, Any], changes: dict[str, Any]) -> Outcome:
    known = {"output": OUT, "run_date": NIGHT}
    return Outcome.model_validate(known | values | changes)
