"""`fcn evaluate`: settings -> one job -> a few lines.

Rooms are imported by the functions that need them, so that a usage error comes at once.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.beam_flags import check_beam_flags, typed_command
from pipelines.cli.table import print_table
from pipelines.evaluate.config import EvaluateConfig

if TYPE_CHECKING:
    from pipelines.evaluate.figures import Figures
    from pipelines.evaluate.plan import Evaluation


def evaluate(arguments: Sequence[str]) -> int:
    """`fcn evaluate`: a model and a split -> figures, a page, a table of photos."""
    config, beam = EvaluateConfig.parse(arguments)
    check_beam_flags(beam, config)
    from pipelines.evaluate import plan

    evaluation = plan.plan_evaluation(config)
    command = typed_command("evaluate", arguments)
    figures = _run(evaluation, config, beam=beam, command=command)
    if config.json_output:
        print(figures.model_dump_json(indent=1))
        return 0
    from pipelines.evaluate import terminal

    heads = terminal.heads(figures)
    print_table(heads, terminal.rows(figures), numbers=heads[1:])
    print("\n".join(terminal.closing_lines(figures, evaluation.files)))
    return 0


def _run(
    evaluation: "Evaluation",
    config: EvaluateConfig,
    *,
    beam: Sequence[str],
    command: str,
) -> "Figures":
    """Runs what is left of an evaluation and makes its page."""
    from pipelines import files
    from pipelines.evaluate import finish
    from pipelines.pages import evaluation as pages_evaluation

    if not files.exists(evaluation.output):
        from pipelines.chunks import progress
        from pipelines.chunks.attempt import Attempt
        from pipelines.evaluate import worker
        from pipelines.runners import launch

        job = worker.job(
            evaluation,
            lanes=config.lanes,
            max_error_rate=config.max_error_rate,
            command=command,
        )
        planned = evaluation.plan.planned
        with (
            Attempt() as attempt,
            progress.show(attempt.tally, planned, quiet=config.json_output),
        ):
            launch.run(job, beam, attempt)
    elif not config.json_output:
        print(f"{evaluation.output}: already complete", file=sys.stderr)
    figures = finish.read_verdict(evaluation)
    places = evaluation.files
    if files.exists(places.worst):
        pages_evaluation.build(figures, places)
        files.remove_folder(places.work)
    files.remove_temporaries(places.folder, below=False)
    return figures
