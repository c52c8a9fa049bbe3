"""`fcn models`: what is built in, what a bundle is, whether it works here."""

import json
from collections.abc import Mapping
from typing import Any

from fcn_core import model_check, scoring
from fcn_core.model_card import ModelCard, ModelError
from pipelines.faults import JobFault, UsageError


def list_all(*, as_json: bool) -> int:
    """Prints the built-in models."""
    rows = [_described(name) for name in scoring.built_in_names()]
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        metrics = ", ".join(f"{m['name']} {m['value']:.3f}" for m in row["metrics"][:1])
        kinds = row["classes"] or row["rating_bins"] or []
        what = "classes" if row["classes"] else "rating bins"
        print(
            f"{row['name']:<10} {row['task']:<13} {len(kinds)} {what:<12} "
            f"{row['megabytes']:.1f} MB  {metrics}"
        )
    return 0


def show(name: str, *, as_json: bool) -> int:
    """Prints a model's card."""
    row = _described(name)
    if as_json:
        print(json.dumps(row, indent=1))
        return 0
    for key, value in row.items():
        if value not in (None, "", [], {}):
            print(f"{key:<14} {_short(value)}")
    return 0


def check(name: str, *, as_json: bool) -> int:
    """Runs every signature of a bundle on a small photo and compares the engines."""
    try:
        folder = scoring.find_bundle(name)
    except ModelError as error:
        raise UsageError(str(error)) from error
    findings = model_check.check(folder)
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{finding.level:<8} {finding.check:<22} {finding.detail}")
    wrong = [finding for finding in findings if finding.level == "error"]
    if wrong:
        raise JobFault(f"{name}: {wrong[0].check}: {wrong[0].detail}")
    return 0


def _described(name: str) -> dict[str, Any]:
    try:
        folder = scoring.find_bundle(name)
        card = ModelCard.read(folder)
    except ModelError as error:
        raise UsageError(str(error)) from error
    content: Mapping[str, Any] = card.model_dump(mode="json")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "path": str(folder.resolve()),
        "megabytes": round(size / 1e6, 2),
        **content,
    }


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 400 else text[:397] + "..."
