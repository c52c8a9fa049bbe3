"""The command `fcn models`: list, show, check, import."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.scoring import check as scoring_check
from fcn_core.scoring.speed import Facts, measure
from pipelines.cli.table import print_table
from pipelines.faults import JobFault, UsageError
from pipelines.lanes.models import fetched
from pipelines.quiet_import import import_quietly
from pipelines.training.config import ModelsConfig, ModelsImportConfig


def models(arguments: Sequence[str]) -> int:
    """`fcn models list|show|check|import`."""
    if arguments and arguments[0] == "import":
        wanted, _ = ModelsImportConfig.parse(arguments[1:])
        return _import(wanted)
    config, _ = ModelsConfig.parse(arguments)
    if config.action == "import":
        raise UsageError(
            "fcn models: got flags before 'import', expected fcn models import FILE "
            "--output BUNDLE; see fcn models import --help"
        )
    if config.action == "list":
        if config.name is not None:
            raise UsageError(
                f"fcn models list: got {config.name} as well, expected nothing more; "
                f"see fcn models show {config.name}"
            )
        return list_all(as_json=config.json_output)
    if config.name is None:
        raise UsageError(
            f"fcn models {config.action}: the model is missing, expected a built-in "
            "name or a bundle folder; see fcn models list"
        )
    act = {"show": show, "check": check}[config.action]
    return act(config.name, as_json=config.json_output)


def _import(config: ModelsImportConfig) -> int:
    """Imports what another program trained and prints what it is."""
    from pipelines.training import import_network

    outcome = import_network.run(config)
    if config.json_output:
        print(json.dumps(outcome))
    else:
        print("  ".join(f"{name} {value}" for name, value in outcome.items()))
    return 0


def list_all(*, as_json: bool) -> int:
    """Prints the built-in models."""
    rows = [_described(name) for name in scoring.built_in_names()]
    for row in rows:
        row |= _measured(str(row["path"]))
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    print_table(_HEADS, map(_listed, rows))
    return 0


_HEADS = (
    "name",
    "task",
    "output",
    "MB",
    "stride",
    "smallest side",
    "parameters",
    "ms/megapixel",
    "metric",
)


def _listed(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns a model's cells below `_HEADS`."""
    kinds = row["classes"] or row["rating_bins"] or []
    parameters, time = row["parameters"], row["ms_per_megapixel"]
    int8 = row["int8_ms_per_megapixel"]
    return (
        row["name"],
        row["task"],
        f"{len(kinds)} {'classes' if row['classes'] else 'ratings'}",
        f"{row['megabytes']:.1f}",
        str(row["logits_stride"]),
        str(row["minimum_side"]),
        "-" if parameters is None else f"{parameters:,}",
        "-"
        if time is None
        else f"{time:.0f} ({row['engine']}{f', int8 {int8:.0f}' if int8 else ''})",
        ", ".join(f"{m['name']} {m['value']:.3f}" for m in row["metrics"][:1]),
    )


def show(name: str, *, as_json: bool) -> int:
    """Prints a model's card, its size, and its speed on this machine."""
    row = _described(name)
    row |= _measured(str(row["path"]))
    if as_json:
        print(json.dumps(row, indent=1))
        return 0
    for key, value in row.items():
        if value not in (None, "", [], {}):
            first, *others = _lines_of(key, value)
            print(f"{key:<16} {first}")
            for line in others:
                print(f"{'':<16} {line}")
    return 0


def check(name: str, *, as_json: bool) -> int:
    """Runs every signature of a bundle on a small photo and compares the engines."""
    try:
        folder = scoring.find_bundle(fetched(name))
    except ModelError as error:
        raise UsageError(str(error)) from error
    import_quietly("tensorflow")
    findings = scoring_check.check(folder)
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        rows = [(found.level, found.check, found.detail) for found in findings]
        print_table(("level", "check", "detail"), rows)
    wrong = [finding for finding in findings if finding.level == "error"]
    if wrong:
        raise JobFault(f"{name}: {wrong[0].check}: {wrong[0].detail}")
    return 0


def _described(name: str) -> dict[str, object]:
    try:
        folder = scoring.find_bundle(fetched(name))
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


def _measured(path: str) -> dict[str, object]:
    """Returns parameters and time of a bundle, None each where it does not run."""
    try:
        facts = measure(Path(path))
    except ModelError as error:
        logging.getLogger(__name__).warning("not measured: %s", error)
        return dict.fromkeys(field.name for field in fields(Facts))
    return vars(facts)


def _lines_of(key: str, value: Any) -> list[str]:
    """Returns a field of a card for people, in one line or several."""
    if key == "int8":
        return _int8_lines(value)
    if key == "metrics":
        return [
            f"{metric['name']} {metric['value']:.4f} on {metric['images']} photos of "
            f"{metric['data']}, {metric['split']}"
            for metric in value
        ]
    if isinstance(value, Mapping):
        return [f"{name}: {_short(entry)}" for name, entry in value.items()]
    if isinstance(value, list):
        texts = (f"{n:g}" if isinstance(n, float) else str(n) for n in value)
        return [", ".join(texts)]
    return [_short(value)]


def _int8_lines(form: Mapping[str, Any]) -> list[str]:
    """Returns what a card says of its int8 form for people."""
    made = form["calibration"]
    return [
        f"fingerprint {form['fingerprint']}",
        f"calibrated on {made['photos']} photos of {made['data']}, {made['split']} "
        f"(seed {made['seed']}): {made['method']}",
        *(
            f"{each['name']} {each['f32']:.4f} -> {each['int8']:.4f} on "
            f"{each['images']} photos of {each['data']}, {each['split']} "
            f"({each['instruction_set']})"
            for each in form["compared"]
        ),
    ]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 400 else text[:397] + "..."
