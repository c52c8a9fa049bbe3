"""A small job as a pipeline for Dataflow."""

from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.chunks.job import ChunkJob
from pipelines.runners import graph
from pipelines.runners.workers import Access
from tests.doubles.chunk import CountingWorker, Diary, Ending


def launched(options: PipelineOptions, folder: Path, *, chunks: int = 20) -> Any:
    """Returns Beam's result of launching a job that counts; it does not wait."""
    diary = Diary(str(folder / "diary"))
    pipeline = beam.Pipeline(options=options)
    job = ChunkJob(CountingWorker(diary), chunks, Ending(diary))
    graph.build(pipeline, job, Access.of(job))
    return pipeline.run()
