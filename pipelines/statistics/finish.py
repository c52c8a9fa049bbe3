"""The answer of `fcn stats`: parts added up, photos that are there twice, samples."""

import heapq
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.statistics.parts import Contents, Part, committed_part
from pipelines.statistics.plan import Plan

SAMPLES: Final = 8

_HEX_DIGITS: Final = 64
_PREFIX_DIGITS: Final = 16
_MOST_GROUPS: Final = 100


@dataclass(frozen=True)
class Finish:
    """Adds up the parts and writes the answer.

    Attributes:
        plan: what was counted.
    """

    plan: Plan

    def __call__(self, counts: Counts, _attempt: Attempt) -> None:
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
        self._by_chunk: list[NDArray[np.uint64]] = []
        self._least: list[tuple[int, int, int]] = []

    def add(self, chunk: int, part: Part) -> None:
        """Takes the photos of a part."""
        hashes = np.frombuffer(bytes.fromhex(part.hashes), np.uint8)
        firsts = hashes.reshape(-1, _HEX_DIGITS // 2)[:, : _PREFIX_DIGITS // 2]
        found = np.ascontiguousarray(firsts).view(">u8").ravel().astype(np.uint64)
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
        values, counts = np.unique(np.concatenate(self._by_chunk), return_counts=True)
        suspects = values[counts > 1]
        groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
        if suspects.size:
            for chunk, found in enumerate(self._by_chunk):
                indices = np.flatnonzero(np.isin(found, suspects)).tolist()
                part = committed_part(self._plan, chunk) if indices else None
                for index in indices:
                    assert part is not None
                    start = _HEX_DIGITS * index
                    sha256 = part.hashes[start : start + _HEX_DIGITS]
                    split = self._plan.shards[chunk][0]
                    groups[sha256].append((split, part.ids[index]))
        return {sha: sorted(g) for sha, g in sorted(groups.items()) if len(g) > 1}


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
