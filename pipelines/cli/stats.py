"""`fcn stats`: a converted data set -> what it holds, and whether it is sound."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from pipelines.cli.beam_flags import check_beam_flags
from pipelines.quiet_import import import_quietly
from pipelines.statistics.config import StatsConfig
from pipelines.statistics.terminal import complaints, told


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
        print("\n".join([*told(answer), plan.output, page]))
    for line in complaints(answer):
        print(line, file=sys.stderr)
    return 0 if answer["valid"] else 1


def _run(plan: Any, beam: Sequence[str], *, quiet: bool) -> tuple[dict[str, Any], str]:
    """Counts, and writes the page; returns the figures and the page's URI."""
    from pipelines import files
    from pipelines.chunks import progress
    from pipelines.chunks.attempt import Attempt
    from pipelines.pages import dataset
    from pipelines.runners import launch
    from pipelines.statistics import worker

    with (
        Attempt() as attempt,
        progress.show(attempt.tally, plan.records, unit="records", quiet=quiet),
    ):
        launch.run(worker.job(plan), beam, attempt)
    answer = json.loads(files.read_bytes(plan.output))
    return answer, dataset.build(plan.folder, plan.output, answer)
