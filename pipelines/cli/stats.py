"""`fcn stats`: a converted data set -> what it holds, and whether it is sound."""

import functools
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.beam_flags import choose_engine
from pipelines.cli.running import print_left, run_job, show_preview
from pipelines.cli.table import print_table
from pipelines.quiet_import import import_quietly
from pipelines.statistics import terminal
from pipelines.statistics.config import StatsConfig

if TYPE_CHECKING:
    from pipelines.runners.engine import Engine
    from pipelines.statistics.plan import Statistics


def stats(arguments: Sequence[str]) -> int:
    """`fcn stats DIR`: figures as JSON, a page, and 1 where validation failed."""
    config, beam = StatsConfig.parse(arguments)
    engine = choose_engine(beam, config, output=config.output or config.data)
    if engine.dry_run:
        return show_preview(engine, as_json=config.json_output)
    from pipelines.statistics import batches
    from pipelines.statistics.plan import plan_statistics

    batches.check_installed()
    import_quietly("tfx_bsl.public.tfxio")
    statistics = plan_statistics(config.data, config.output)
    job_id = _run(statistics, engine, quiet=config.json_output)
    if job_id is not None:
        output, as_json = statistics.output, config.json_output
        print_left(job_id, engine, output=output, as_json=as_json)
        return 0
    return _report(statistics, as_json=config.json_output)


def _run(statistics: "Statistics", engine: "Engine", *, quiet: bool) -> str | None:
    """Counts, and writes the page; returns the id of a job that goes on alone."""
    from pipelines.chunks.attempt import Attempt
    from pipelines.statistics import worker

    step = functools.partial(write_page, statistics)
    job = worker.job(statistics).followed_by(step)
    with Attempt() as attempt:
        return run_job(job, engine, attempt, unit="records", quiet=quiet)


def write_page(statistics: "Statistics") -> None:
    """Writes the page of counted statistics; the last step of their job."""
    from pipelines import files
    from pipelines.pages import dataset

    output = statistics.output
    dataset.build(statistics.folder, output, json.loads(files.read_bytes(output)))
    files.remove_temporaries(output.rpartition("/")[0], below=False)


def _report(statistics: "Statistics", *, as_json: bool) -> int:
    from pipelines import files

    output, page = statistics.output, statistics.page
    answer = json.loads(files.read_bytes(output))
    if as_json:
        print(json.dumps({"output": output, "page": page, **answer}))
    else:
        if rows := terminal.class_rows(answer):
            print_table(terminal.HEADS, rows, numbers=terminal.HEADS[1:])
        print("\n".join(terminal.closing_lines(answer)))
        print(f"json   {output}\npage   {page}")
    for line in terminal.complaints(answer):
        print(line, file=sys.stderr)
    return 0 if answer["valid"] else 1
