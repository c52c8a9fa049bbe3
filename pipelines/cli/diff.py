"""The command `fcn diff`: two nights of an output compared, and a page about it."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.beam_flags import typed_command
from pipelines.cli.table import print_table
from pipelines.diff.config import DiffConfig

if TYPE_CHECKING:
    from pipelines.diff.difference import Difference

_HEADS = ("", "before", "after", "shift of both")


def diff(arguments: Sequence[str]) -> int:
    """`fcn diff`: what the same photos got in two nights, and what is new."""
    config, _ = DiffConfig.parse(arguments)
    from pipelines import files
    from pipelines.diff.compare import compare
    from pipelines.pages import difference as pages_difference
    from pipelines.score import lookup

    before, after = (
        lookup.find_committed(config.output, run_date=night).folder
        for night in config.run_date
    )
    found = compare(before, after, photos=config.photos)
    name = f"diff-{before.run_date}.html"
    uri = files.join(after.report, name) if config.page is None else config.page
    page = pages_difference.build(
        found,
        out=after.out,
        uri=files.to_uri(uri),
        command=typed_command("diff", arguments),
    )
    if config.json_output:
        print(json.dumps({**found.model_dump(mode="json"), "page": page}, indent=1))
    else:
        _print(found)
        print(f"page   {page}")
    return 0


def _print(found: "Difference") -> None:
    before, after = found.before, found.after
    print(
        f"{found.both} in both  {found.only_before} only in {before.run_date}  "
        f"{found.only_after} only in {after.run_date}  {found.replaced} replaced"
    )
    rows: list[tuple[str, ...]] = [
        (name, str(getattr(before, name)), str(getattr(after, name)), "")
        for name in ("planned", "ok", "failed")
    ]
    for task in {**before.ratings, **after.ratings}:
        spreads = (before.ratings.get(task), after.ratings.get(task))
        moved = found.ratings.get(task)
        for label, share in (("5%", "0.05"), ("median", "0.5"), ("95%", "0.95")):
            values = [s.quantiles[share] if s else None for s in spreads]
            values.append(moved.shift.quantiles[share] if moved else None)
            rows.append((f"{task} {label}", *map(_figure, values)))
    for name, shift in list(found.pixels.items())[:5]:
        shares = (night.pixels.get(name, 0.0) for night in (before, after))
        rows.append((name, *(f"{share:.2%}" for share in shares), f"{shift:+.2%}"))
    print_table(_HEADS, rows, numbers=_HEADS[1:])
    changes = ", ".join(
        f"{c.before} -> {c.after} {c.photos}" for c in found.dominant[:5]
    )
    print(f"{found.dominant_changed} with another dominant class  {changes}".rstrip())
    for title, counts in (("new", found.new_failures), ("mended", found.mended)):
        text = ", ".join(f"{reason} {number}" for reason, number in counts.items())
        print(f"{sum(counts.values())} {title} failures  {text}".rstrip())


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
