"""A replay: a night's failed photos, planned again."""

from collections.abc import Sequence

import pyarrow as pa

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import commit, inputs, parts
from pipelines.score import plan as score_plan
from pipelines.score.config import ReplayConfig
from pipelines.score.items import without
from pipelines.score.models import open_models
from pipelines.score.nights import Night
from pipelines.score.plan import Draft, Plan


def plan_replay(config: ReplayConfig) -> Night:
    """Freezes a night of all failed rows that no later row made good.

    Raises:
        UsageError: there is no night yet, or nothing to replay.
    """
    out = files.to_uri(config.output)
    earlier = score_plan.read_all(out)
    if not earlier:
        raise UsageError(
            f"{config.output}: got no night, expected an output of fcn score; check "
            "the path"
        )
    run_date, plan = _replay_date(out, earlier)
    if plan is None:
        plan, _ = score_plan.freeze(
            out, run_date, lambda now: _replay(out, run_date, now)
        )
    names = [str(name) for name in plan.settings["model"]]  # type: ignore[union-attr]
    return Night(out, plan, open_models(names))


def _replay(out: str, run_date: str, earlier: Sequence[Plan]) -> Draft:
    failed = _still_failed(out, earlier)
    if failed.num_rows == 0:
        raise UsageError(
            f"{out}: got no failed photo, expected at least one to replay; all are "
            "scored, or in a night that is not finished"
        )
    latest = earlier[-1]
    return Draft(
        kind="replay",
        settings={**latest.settings, "input": f"failed rows before {run_date}"},
        fingerprint=latest.fingerprint,
        root=latest.root,
        chunk_size=latest.chunk_size,
        items=failed,
    )


def _replay_date(out: str, earlier: Sequence[Plan]) -> tuple[str, Plan | None]:
    """Returns the next replay's name, after its night, or the one to go on with."""
    replays = [plan for plan in earlier if plan.kind == "replay"]
    if replays and commit.read_commit(out, replays[-1].run_date) is None:
        return replays[-1].run_date, replays[-1]
    night = [plan for plan in earlier if plan.kind == "score"][-1].run_date
    number = 1
    while score_plan.find(earlier, f"{night}-replay-{number}") is not None:
        number += 1
    return f"{night}-replay-{number}", None


def _still_failed(out: str, earlier: Sequence[Plan]) -> pa.Table:
    """Returns the photos whose last row failed, in their version of now.

    What an unfinished night holds is left to it: no photo is ever in two plans.
    """
    last: dict[str, tuple[str, int | None]] = {}
    unfinished = []
    for plan in earlier:
        if commit.read_commit(out, plan.run_date) is None:
            unfinished.append(plan)
            continue
        for chunk in range(plan.chunks):
            part = parts.read_part(out, plan, chunk, columns=["status"])
            items = score_plan.read_chunk(out, plan, chunk).to_pylist()
            for item, status in zip(items, part["status"].to_pylist(), strict=True):
                if status == "failed":
                    last[item["image_uri"]] = (item["version"], item["offset"])
                else:
                    last.pop(item["image_uri"], None)
    rows = [
        # A record's offset holds for the planned version of its file only.
        (uri, files.version(uri) if offset is None else version, offset)
        for uri, (version, offset) in sorted(last.items())
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    failed = pa.table(columns, schema=inputs.LISTING_SCHEMA)
    return without(failed, score_plan.held(out, unfinished))
