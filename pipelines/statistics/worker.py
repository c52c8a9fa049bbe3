"""`fcn stats` as a job: a chunk is a shard, its part is what the shard holds.

Parts lie beside the answer until all are there, and are added up in the end: sums are
exact, so the figures depend neither on workers nor on their order, and a killed command
goes on where it stopped. Label PNGs are decoded in the worker, not in lanes: their
shard is the converter's own, byte for byte by its hash, and training decodes them in
its own process as well.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import finish
from pipelines.chunks.job import ChunkJob
from pipelines.statistics.finish import StatisticsEnding
from pipelines.statistics.parts import write_part
from pipelines.statistics.plan import Statistics
from pipelines.statistics.shard import read_shard


@dataclass(frozen=True)
class StatisticsWorker:
    """Counts what shards hold."""

    statistics: Statistics

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each shard has its part; see `chunks.job.ChunkWorker`."""
        for chunk in chunks:
            attempt.check_stop()
            _, shard = self.statistics.shards[chunk]
            found = self.statistics.parts.find(chunk, planned=shard.records)
            if found is None:
                self._count(chunk)
            computed = shard.records if found is None else 0
            counts = Counts(ok=shard.records, computed=computed)
            attempt.tally.add(counts)
            yield counts

    def _count(self, chunk: int) -> None:
        statistics = self.statistics
        _, shard = statistics.shards[chunk]
        uri = files.join(statistics.folder, shard.name)
        seen = read_shard(uri, shard, statistics.plan.how)
        write_part(statistics, chunk, rows=seen.rows, contents=seen.contents)


def job(statistics: Statistics) -> ChunkJob:
    """Returns planned statistics as the one graph sees them."""
    return ChunkJob(
        worker=StatisticsWorker(statistics),
        chunks=len(statistics.shards),
        finish=functools.partial(
            finish,
            StatisticsEnding(statistics),
            planned=statistics.records,
            refusal_uri=files.join(statistics.work, "FAILED"),
        ),
        planned=statistics.records,
        parts=statistics.parts,
        plan=statistics.plan_uri,
        done=statistics.output,
        inputs=(statistics.folder,),
    )
