"""The counters of a job keep their names: alarms and dashboards are built on them."""

from apache_beam import Pipeline
from apache_beam.metrics import MetricsFilter

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import COUNTERS, NAMESPACE
from pipelines.chunks.job import ChunkJob
from pipelines.runners import graph
from pipelines.runners.workers import Access
from tests.doubles.chunk import CountingWorker, Diary, Ending


def test_the_names() -> None:
    assert (NAMESPACE, list(COUNTERS)) == (
        "fcn",
        ["chunks", "ok", "failed", "computed"],
    )


def test_beam_shows_them(diary: Diary) -> None:
    job = ChunkJob(CountingWorker(diary), 5, Ending(diary))
    access = Access.of(job)
    with Attempt() as attempt:
        access.handle.acquire(lambda: attempt)
        pipeline = Pipeline(runner="FnApiRunner")
        graph.build(pipeline, job, access)
        result = pipeline.run()
        result.wait_until_finish()
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    counted = {each.key.metric.name: each.committed for each in found["counters"]}
    assert counted == {"chunks": 5, "ok": 10, "failed": 5, "computed": 15}
