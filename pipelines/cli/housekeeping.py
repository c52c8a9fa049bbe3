"""The command `fcn prune`: masks and left-over files go by rule."""

import dataclasses
import json
from collections.abc import Sequence

from pipelines.cli.table import print_table
from pipelines.housekeeping.config import PruneConfig


def prune(arguments: Sequence[str]) -> int:
    """`fcn prune`: removes what a rule lets go, or says what that would be."""
    config, _ = PruneConfig.parse(arguments)
    from pipelines.housekeeping import removal
    from pipelines.housekeeping.prune import Rule, prune
    from pipelines.score.config import resolve_date

    days = config.masks_after_days
    today = resolve_date("today", config.timezone)
    rule = None if days is None else Rule(days, today)
    lines = prune(config.output, rule=rule, preview=config.preview)
    if config.json_output:
        answer = {
            "preview": config.preview,
            "removed": [dataclasses.asdict(line) for line in lines],
        }
        print(json.dumps(answer, indent=1))
        return 0
    if lines:
        print_table(
            removal.HEADS, [line.row() for line in lines], numbers=("number", "MiB")
        )
    number, size = sum(line.number for line in lines), sum(line.bytes for line in lines)
    what = "would go" if config.preview else "removed"
    print(f"{number} files {what}, {size / 2**20:.1f} MiB")
    return 0
