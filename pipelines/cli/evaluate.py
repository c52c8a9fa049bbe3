"""`fcn evaluate`: settings -> one job -> a few lines.

Rooms are imported by the functions that need them, so that a usage error comes at once.
"""

import functools
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.beam_flags import choose_engine, typed_command
from pipelines.cli.running import print_left, run_job, show_preview
from pipelines.cli.table import print_table
from pipelines.evaluate.config import EvaluateConfig

if TYPE_CHECKING:
    from pipelines.evaluate.plan import Evaluation
    from pipelines.runners.engine import Engine


def evaluate(arguments: Sequence[str]) -> int:
    """`fcn evaluate`: a model and a split -> figures, a page, a table of photos."""
    config, beam = EvaluateConfig.parse(arguments)
    engine = choose_engine(beam, config, output=config.output)
    if engine.dry_run:
        return show_preview(engine, as_json=config.json_output)
    from pipelines.evaluate import plan

    evaluation = plan.plan_evaluation(config)
    command = typed_command("evaluate", arguments)
    job_id = _run(evaluation, config, engine=engine, command=command)
    if job_id is not None:
        output, as_json = evaluation.output, config.json_output
        print_left(job_id, engine, output=output, as_json=as_json)
        return 0
    _report(evaluation, as_json=config.json_output)
    return 0


def _run(
    evaluation: "Evaluation", config: EvaluateConfig, *, engine: "Engine", command: str
) -> str | None:
    """Runs what is left to do; returns the id of a job that goes on alone."""
    from pipelines import files

    if files.exists(evaluation.output):
        if not config.json_output:
            print(f"{evaluation.output}: already complete", file=sys.stderr)
        complete(evaluation)
        return None
    from pipelines.chunks.attempt import Attempt
    from pipelines.evaluate import worker

    job = worker.job(
        evaluation,
        lanes=config.lanes,
        max_error_rate=config.max_error_rate,
        command=command,
    ).followed_by(functools.partial(complete, evaluation))
    with Attempt() as attempt:
        return run_job(job, engine, attempt, quiet=config.json_output)


def complete(evaluation: "Evaluation") -> None:
    """Writes the page, and removes what is not needed any more; the job's last step."""
    from pipelines import files
    from pipelines.evaluate.figures import read_figures
    from pipelines.pages import evaluation as pages_evaluation

    places = evaluation.files
    if files.exists(evaluation.output) and files.exists(places.worst):
        pages_evaluation.build(read_figures(evaluation.output), places)
        files.remove_folder(places.work)
    files.remove_temporaries(places.folder, below=False)


def _report(evaluation: "Evaluation", *, as_json: bool) -> None:
    from pipelines.evaluate import finish, terminal

    figures = finish.read_verdict(evaluation)
    if as_json:
        print(figures.model_dump_json(indent=1))
        return
    heads = terminal.heads(figures)
    print_table(heads, terminal.rows(figures), numbers=heads[1:])
    print("\n".join(terminal.closing_lines(figures, evaluation.files)))
