"""The answer of `fcn stats`: parts added up, photos that are there twice, samples."""

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from fcn_core.metrics.copies import Prefixes, find_copies, hash_at, prefixes
from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.statistics.parts import Contents, Part, committed_part
from pipelines.statistics.plan import Plan

SAMPLES: Final = 8

_MOST_GROUPS: Final = 100


@dataclass(frozen=True)
class Finish:
    """Adds up the parts and writes the answer.

    Attributes:
        plan: what was counted.
    """

    plan: Plan

    def __call__(self, counts: Counts) -> None:
        """Writes the JSON file; its parts are not needed any more."""
        plan = self.plan
        if counts.ok != plan.records:
            raise SystemicFault(
                f"counted {counts.ok} records, expected {plan.records} as in "
                "dataset_info.json; run the same command again"
            )
        splits = {name: Contents() for name in plan.info.splits}
        photos = _Photos(plan)
        for chunk, (split, _) in enumerate(plan.shards):
            part = committed_part(plan, chunk)
            splits[split] += part.contents
            photos.add(chunk, part)
        answer = _answer(plan, splits, photos)
        text = json.dumps(answer, indent=1) + "\n"
        files.write_atomically(plan.output, text.encode())
        files.remove_folder(plan.parts_folder)


class _Photos:
    """Hashes of all photos: 8 bytes of each in memory, the rest stays in the parts."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._by_chunk: list[Prefixes] = []
        self._least: list[tuple[int, int, int]] = []

    def add(self, chunk: int, part: Part) -> None:
        """Takes the photos of a part."""
        found = prefixes(part.hashes)
        self._by_chunk.append(found)
        smallest = [
            (int(found[i]), chunk, i) for i in np.argsort(found)[:SAMPLES].tolist()
        ]
        self._least = heapq.nsmallest(SAMPLES, [*self._least, *smallest])

    def samples(self) -> list[dict[str, Any]]:
        """Returns where the photos with the smallest hashes are: a drawing by lot."""
        rows = []
        for _, chunk, index in self._least:
            split, shard = self._plan.shards[chunk]
            source_id = committed_part(self._plan, chunk).ids[index]
            rows.append({"split": split, "shard": shard.name, "id": source_id})
        return rows

    def copies(self) -> dict[str, list[tuple[str, str]]]:
        """Returns sha256 -> (split, id) of each photo that is there more than once."""
        groups = find_copies(self._by_chunk, self._look)
        return {sha256: sorted(group) for sha256, group in sorted(groups.items())}

    def _look(
        self, chunk: int, indices: list[int]
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        part = committed_part(self._plan, chunk)
        split, _ = self._plan.shards[chunk]
        for index in indices:
            yield hash_at(part.hashes, index), (split, part.ids[index])


def _answer(plan: Plan, splits: dict[str, Contents], photos: _Photos) -> dict[str, Any]:
    copies = photos.copies()
    total = sum(splits.values(), Contents())
    findings = total.findings.result()
    across = {
        sha: group for sha, group in copies.items() if len({s for s, _ in group}) > 1
    }
    if across and plan.info.settings.get("allow_leak") is not True:
        ids = sorted({source_id for group in across.values() for _, source_id in group})
        what = "a photo is in two splits, and scores on one flatter the other"
        findings.append({"what": what, "records": len(ids), "ids": ids[:3]})
    return {
        "dataset": plan.info.dataset,
        "task": plan.info.task,
        "fingerprint": plan.info.fingerprint,
        "valid": not findings,
        "findings": findings,
        "records": plan.records,
        "splits": {
            name: _figures(plan, contents, plan.info.splits[name].records)
            for name, contents in splits.items()
        },
        "total": _figures(plan, total, plan.records),
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


def _figures(plan: Plan, contents: Contents, records: int) -> dict[str, Any]:
    figures = {
        "records": records,
        "counted": contents.photos.records,
        "photos": contents.photos.result(),
    }
    if plan.info.task == "segmentation":
        names = plan.info.classes or []
        figures["labels"] = contents.labels.result(names, void=plan.how.void)
    else:
        figures["ratings"] = contents.ratings.result()
    return figures
