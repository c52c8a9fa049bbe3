"""How commands run a job: its progress meanwhile, and a word where it goes on alone."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.chunks.attempt import Attempt
    from pipelines.chunks.job import ChunkJob
    from pipelines.runners.engine import Engine


def run_job(
    job: "ChunkJob",
    engine: "Engine",
    attempt: "Attempt",
    *,
    unit: str = "images",
    quiet: bool,
) -> str | None:
    """Runs a job and shows its progress.

    Args:
        job: What to do.
        engine: Where.
        attempt: What the workers of this process share.
        unit: Name of its items.
        quiet: Show nothing.

    Returns:
        The id of a job that goes on without this process, else None.
    """
    from pipelines.chunks import progress
    from pipelines.runners import launch

    quiet = quiet or not engine.waits
    with progress.show(attempt.tally, job.planned, unit=unit, quiet=quiet):
        return launch.run(job, engine, attempt)


def show_preview(engine: "Engine", *, as_json: bool) -> int:
    """Prints what would be launched; returns the exit code."""
    from pipelines.runners import dataflow_preview, launch

    content = launch.preview(engine)
    if as_json:
        print(json.dumps(content, indent=1))
    else:
        print("\n".join(dataflow_preview.lines(content)))
    return 0


def print_left(job_id: str, engine: "Engine", *, output: str, as_json: bool) -> None:
    """Says that a job goes on without this process."""
    if as_json:
        answer = {"job": job_id, "engine": engine.name, "output": output}
        print(json.dumps(answer))
    else:
        print(f"job {job_id} goes on at {engine.name}\nresults {output}")
