"""`fcn stats`: a converted data set -> what it holds, and whether it is sound."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.beam_flags import check_beam_flags
from pipelines.cli.table import print_table
from pipelines.quiet_import import import_quietly
from pipelines.statistics import terminal
from pipelines.statistics.config import StatsConfig

if TYPE_CHECKING:
    from pipelines.statistics.plan import Statistics


def stats(arguments: Sequence[str]) -> int:
    """`fcn stats DIR`: figures as JSON, a page, and 1 where validation failed."""
    config, beam = StatsConfig.parse(arguments)
    check_beam_flags(beam, config)
    from pipelines.statistics import batches
    from pipelines.statistics.plan import plan_statistics

    batches.check_installed()
    import_quietly("tfx_bsl.public.tfxio")
    statistics = plan_statistics(config.data, config.output)
    answer, page = _run(statistics, beam, quiet=config.json_output)
    if config.json_output:
        print(json.dumps({"output": statistics.output, "page": page, **answer}))
    else:
        if rows := terminal.class_rows(answer):
            print_table(terminal.HEADS, rows, numbers=terminal.HEADS[1:])
        print("\n".join(terminal.closing_lines(answer)))
        print(f"json   {statistics.output}\npage   {page}")
    for line in terminal.complaints(answer):
        print(line, file=sys.stderr)
    return 0 if answer["valid"] else 1


def _run(
    statistics: "Statistics", beam: Sequence[str], *, quiet: bool
) -> tuple["terminal.Answer", str]:
    """Counts, and writes the page; returns the figures and the page's URI."""
    from pipelines import files
    from pipelines.chunks import progress
    from pipelines.chunks.attempt import Attempt
    from pipelines.pages import dataset
    from pipelines.runners import launch
    from pipelines.statistics import worker

    total = statistics.records
    with (
        Attempt() as attempt,
        progress.show(attempt.tally, total, unit="records", quiet=quiet),
    ):
        launch.run(worker.job(statistics), beam, attempt)
    answer = json.loads(files.read_bytes(statistics.output))
    page = dataset.build(statistics.folder, statistics.output, answer)
    files.remove_temporaries(statistics.output.rpartition("/")[0], below=False)
    return answer, page
