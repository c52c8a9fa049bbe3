"""`fcn stats` as a job: a chunk is a shard, its part is what the shard holds.

Parts lie beside the answer until all are there, and are added up by `Finish`: sums are
exact, so the figures depend neither on workers nor on their order, and a killed command
goes on where it stopped. Label PNGs are decoded in the worker, not in lanes: their
shard is the converter's own, byte for byte by its hash, and whoever trains on it
decodes them in his own process as well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.statistics.finish import Finish
from pipelines.statistics.parts import part_uri, read_part
from pipelines.statistics.plan import Plan
from pipelines.statistics.shard import read_shard


@dataclass(frozen=True)
class StatisticsWorker:
    """Counts what shards hold.

    Attributes:
        plan: what is to be counted.
    """

    plan: Plan

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each shard has its part; see `chunks.job.ChunkWorker`."""
        for chunk in chunks:
            attempt.check_stop()
            _, shard = self.plan.shards[chunk]
            found = read_part(self.plan, chunk)
            if found is None:
                uri = files.join(self.plan.folder, shard.name)
                part = read_shard(uri, shard, self.plan.how, plan_id=self.plan.plan_id)
                files.create_once(
                    part_uri(self.plan, chunk), part.model_dump_json().encode()
                )
            computed = shard.records if found is None else 0
            counts = Counts(ok=shard.records, computed=computed)
            attempt.tally.add(counts)
            yield counts


def job(plan: Plan) -> ChunkJob:
    """Returns planned statistics as the one graph sees them."""
    return ChunkJob(
        worker=StatisticsWorker(plan), chunks=len(plan.shards), finish=Finish(plan)
    )
