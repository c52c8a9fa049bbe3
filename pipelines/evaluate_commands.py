"""`fcn evaluate` and `fcn voc_submission`: settings -> one job -> a few lines.

Every import of a room is inside the function that needs it, so that a usage error is
told at once.
"""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.evaluate_config import EvaluateConfig, VocSubmissionConfig

if TYPE_CHECKING:
    from pipelines.evaluate_plan import Evaluation


def evaluate(arguments: Sequence[str]) -> int:
    """`fcn evaluate`: a model and a split -> figures, a page, a table of photos."""
    config, beam = EvaluateConfig.parse(arguments)
    if beam:
        from pipelines import launch

        launch.check_flags(beam, ours=EvaluateConfig.flags())
        launch.local_options(beam)
    from pipelines import evaluate_plan

    evaluation = evaluate_plan.plan_evaluation(config)
    command = shlex.join(["fcn", "evaluate", *arguments])
    figures = _run(evaluation, config, beam, command)
    if config.json_output:
        print(json.dumps(figures, indent=1))
        return 0
    from rich.console import Console

    from pipelines import evaluate_terminal

    Console().print(evaluate_terminal.class_table(figures))
    print("\n".join(evaluate_terminal.closing_lines(figures, evaluation.output)))
    return 0


def _run(
    evaluation: "Evaluation",
    config: EvaluateConfig,
    beam: Sequence[str],
    command: str,
) -> Mapping[str, Any]:
    """Runs what is left of an evaluation and makes its page."""
    from pipelines import evaluate_finish, evaluation_page, files
    from pipelines.evaluate_plan import beside

    if not files.exists(evaluation.output):
        from pipelines import evaluate, launch, progress

        job = evaluate.job(
            evaluation,
            lanes=config.lanes,
            max_error_rate=config.max_error_rate,
            command=command,
        )
        planned = evaluation.plan.planned
        with progress.shown(planned, quiet=config.json_output):
            launch.run(job, beam)
    elif not config.json_output:
        print(f"{evaluation.output}: already complete", file=sys.stderr)
    figures = evaluate_finish.verdict(evaluation)
    worst = evaluate_finish.worst_uri(evaluation)
    if files.exists(worst):
        page = beside(evaluation.output, ".html")
        evaluation_page.build(evaluation.output, worst, page)
        files.remove_folder(evaluation.work)
    return figures


def voc_submission(arguments: Sequence[str]) -> int:
    """`fcn voc_submission`: masks of a night -> files for Pascal VOC's test server."""
    config, _ = VocSubmissionConfig.parse(arguments)
    from pipelines import voc_submission

    written = voc_submission.write(
        config.masks,
        config.output,
        competition=config.competition,
        ids=config.ids,
        run_date=config.run_date,
        tar=config.tar,
    )
    if config.json_output:
        print(json.dumps(written.described(), indent=1))
    else:
        print("\n".join(written.lines()))
    return 0
