"""The answer of `fcn stats`: parts added up, photos that are there twice, samples."""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.canonical import readable_json
from fcn_core.metrics.copies import find_copies, prefixes
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import Ending
from pipelines.chunks.parts import Part
from pipelines.statistics.parts import Contents, contents_of
from pipelines.statistics.plan import Statistics

SAMPLES: Final = 8

_MOST_GROUPS: Final = 100


@dataclass(frozen=True)
class Totals:
    """What the parts of the statistics add up to.

    Attributes:
        ok: Records of all shards.
        failed: Always 0: what is wrong with a record is a finding.
    """

    ok: int
    failed: int
    splits: dict[str, Contents]
    photos: "Photos"


@dataclass(frozen=True)
class StatisticsEnding(Ending[Totals]):
    """What is the statistics' own about their end: they are never refused."""

    statistics: Statistics

    def is_published(self) -> bool:
        """Whether an attempt before this one has written the answer and tidied up."""
        statistics = self.statistics
        tidied = bool(statistics.shards) and not files.exists(statistics.work)
        return tidied and files.exists(statistics.output)

    def add_up(self) -> Totals:
        """Returns what the parts add up to."""
        statistics, ok = self.statistics, 0
        splits = {name: Contents() for name in statistics.info.splits}
        photos = Photos(statistics)
        for chunk, (split, _) in enumerate(statistics.shards):
            part = statistics.parts.committed(chunk)
            splits[split] += contents_of(part)
            photos.add(chunk, part)
            ok += part.counts.ok
        return Totals(ok, 0, splits, photos)

    def publish(self, total: Totals, counts: Counts, attempt: Attempt) -> None:
        """Writes the JSON file; the parts are not needed any more."""
        answer = _answer(self.statistics, total.splits, total.photos)
        files.write_atomically(self.statistics.output, readable_json(answer))
        files.remove_folder(self.statistics.work)


class Photos:
    """Hashes of all photos: 8 bytes of each in memory, the rest stays in the parts."""

    def __init__(self, statistics: Statistics):
        self._statistics = statistics
        self._by_chunk: list[NDArray[np.uint64]] = []
        self._least: list[tuple[int, int, int]] = []

    def add(self, chunk: int, part: Part) -> None:
        """Takes the photos of a part."""
        found = prefixes(part.rows["sha256"].to_pylist())
        self._by_chunk.append(found)
        smallest = [
            (int(found[i]), chunk, i) for i in np.argsort(found)[:SAMPLES].tolist()
        ]
        self._least = heapq.nsmallest(SAMPLES, [*self._least, *smallest])

    def samples(self) -> list[dict[str, str]]:
        """Returns a random sample: where the photos with the smallest hashes are."""
        rows = []
        for _, chunk, index in self._least:
            split, shard = self._statistics.shards[chunk]
            source_id = self._read(chunk)[index]["id"]
            rows.append({"split": split, "shard": shard.name, "id": source_id})
        return rows

    def copies(self) -> dict[str, list[tuple[str, str]]]:
        """Returns sha256 -> (split, id) of each photo that is there more than once."""
        shards = self._statistics.shards
        groups = find_copies(
            self._by_chunk,
            lambda chunk: [
                (row["sha256"], (shards[chunk][0], row["id"]))
                for row in self._read(chunk)
            ],
        )
        return {sha256: sorted(group) for sha256, group in sorted(groups.items())}

    def _read(self, chunk: int) -> list[dict[str, str]]:
        return self._statistics.parts.committed(chunk).rows.to_pylist()


def _answer(
    statistics: Statistics, splits: dict[str, Contents], photos: Photos
) -> dict[str, object]:
    """Returns the answer as JSON: figures of many types, whose models would be long."""
    copies = photos.copies()
    total = sum(splits.values(), Contents())
    findings = total.findings.result()
    across = {
        sha: group for sha, group in copies.items() if len({s for s, _ in group}) > 1
    }
    if across and statistics.info.settings.get("allow_leak") is not True:
        ids = sorted({source_id for group in across.values() for _, source_id in group})
        what = "a photo is in two splits, and scores on one flatter the other"
        findings.append({"what": what, "records": len(ids), "ids": [*ids[:3]]})
    return {
        "dataset": statistics.info.dataset,
        "task": statistics.info.task,
        "fingerprint": statistics.info.fingerprint,
        "valid": not findings,
        "findings": findings,
        "records": statistics.records,
        "splits": {
            name: _figures(statistics, contents, statistics.info.splits[name].records)
            for name, contents in splits.items()
        },
        "total": _figures(statistics, total, statistics.records),
        "duplicates": {
            "photos": len(copies),
            "across_splits": len(across),
            "groups": [
                {"sha256": sha, "records": [{"split": s, "id": i} for s, i in group]}
                for sha, group in [*copies.items()][:_MOST_GROUPS]
            ],
        },
        "samples": photos.samples(),
    }


def _figures(
    statistics: Statistics, contents: Contents, records: int
) -> dict[str, object]:
    figures = {
        "records": records,
        "counted": contents.photos.records,
        "photos": contents.photos.result(),
    }
    if statistics.info.task == "segmentation":
        names = statistics.info.classes or []
        figures["labels"] = contents.labels.result(names, void=statistics.plan.how.void)
    else:
        figures["ratings"] = contents.ratings.result()
    return figures
