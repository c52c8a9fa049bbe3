"""`fcn stats`: a converted data set -> what it holds, and whether it is sound."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from pipelines.cli.beam_flags import check_beam_flags
from pipelines.cli.table import print_table
from pipelines.quiet_import import import_quietly
from pipelines.statistics import terminal
from pipelines.statistics.config import StatsConfig


def stats(arguments: Sequence[str]) -> int:
    """`fcn stats DIR`: figures as JSON, a page, and 1 where validation failed."""
    config, beam = StatsConfig.parse(arguments)
    check_beam_flags(beam, config)
    from pipelines.statistics import batches
    from pipelines.statistics.plan import make_plan

    batches.check_installed()
    import_quietly("tfx_bsl.public.tfxio")
    plan = make_plan(config.data, config.output)
    answer, page = _run(plan, beam, quiet=config.json_output)
    if config.json_output:
        print(json.dumps({"output": plan.output, "page": page, **answer}))
    else:
        if rows := terminal.class_rows(answer):
            print_table(terminal.HEADS, rows, numbers=terminal.HEADS[1:])
        print("\n".join(terminal.closing_lines(answer)))
        print(f"json   {plan.output}\npage   {page}")
    for line in terminal.complaints(answer):
        print(line, file=sys.stderr)
    return 0 if answer["valid"] else 1


def _run(plan: Any, beam: Sequence[str], *, quiet: bool) -> tuple[dict[str, Any], str]:
    """Counts, and writes the page; returns the figures and the page's URI."""
    from pipelines import files
    from pipelines.chunks import progress
    from pipelines.pages import dataset
    from pipelines.runners import launch
    from pipelines.statistics import worker

    with progress.shown(plan.records, unit="records", quiet=quiet):
        launch.run(worker.job(plan), beam)
    answer = json.loads(files.read_bytes(plan.output))
    return answer, dataset.build(plan.folder, plan.output, answer)
