"""Tables in the terminal: columns without borders."""

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Final

_PIPED_WIDTH: Final = 10_000
"""Columns where there is no terminal: no cell is ever broken or cut."""


def print_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Collection[str] = (),
) -> None:
    """Prints rows below their heads; a pipe gets them unbroken, however wide.

    Args:
        heads: Of the columns.
        rows: Cells, as many as heads.
        numbers: Heads whose columns are set flush right.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head, justify="right" if head in numbers else "left")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    # Names come from strangers: nothing in a cell is markup.
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as lines:
        console.print(table)
    for line in lines.get().splitlines():
        print(line.rstrip())
