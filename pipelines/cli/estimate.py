"""`fcn estimate`: what a night would take, before it is scored."""

from collections.abc import Sequence

from pipelines.cli.table import print_table
from pipelines.estimate.config import EstimateConfig


def estimate(arguments: Sequence[str]) -> int:
    """`fcn estimate`: counts, measures, prints hours and money; writes nothing."""
    config, _ = EstimateConfig.parse(arguments)
    from pipelines.estimate import terminal
    from pipelines.estimate.estimate import estimate as make

    made = make(config)
    if config.json_output:
        print(made.encode().decode(), end="")
        return 0
    print("\n".join(terminal.opening_lines(made)))
    if made.ways:
        rows = [terminal.row(way, currency=made.prices.currency) for way in made.ways]
        print_table(terminal.HEADS, rows, numbers=terminal.HEADS[1:])
    print("\n".join(terminal.closing_lines(made)))
    return 0
