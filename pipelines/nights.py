"""Which photos a night takes: new ones, a few nights of retries, or a replay.

A photo is known by (URI, version, fingerprint): any earlier plan of this output that
holds it, finished or not, keeps it from being planned again.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydantic import JsonValue

from fcn_core import engines, scoring
from fcn_core.model_card import ModelCard, ModelError
from pipelines import files, inputs, plan_items, results
from pipelines import plan as plans
from pipelines.config import ReplayConfig, ScoreConfig
from pipelines.faults import UsageError
from pipelines.plan import Draft, Plan

_RETRY_NIGHTS = 3
_USUAL_NIGHTS = 3
_PLAIN_NIGHT = 200  # photos; a plan below it is never suspiciously large


@dataclass(frozen=True)
class Model:
    """A model as the plan names it."""

    name: str
    card: ModelCard

    def described(self) -> list[dict[str, JsonValue]]:
        """Returns what summary and page tell about it, once for each of its tasks."""
        return [_described(part) for part in self.card.parts]


def _described(card: ModelCard) -> dict[str, JsonValue]:
    return {
        "name": card.name,
        "version": card.version,
        "task": card.task,
        "fingerprint": card.fingerprint,
        "notes": card.notes,
        "origin": card.origin,
        "licence": card.licence,
        "metrics": [metric.model_dump() for metric in card.metrics],
        "classes": card.classes,  # type: ignore[dict-item]
        "rating_bins": card.rating_bins,  # type: ignore[dict-item]
    }


@dataclass(frozen=True)
class Night:
    """A planned night, ready to run.

    Attributes:
        out: The output.
        plan: What to do.
        models: The models of the plan.
        skipped: Photos of the input that other nights hold.
        waiting: Photos that no night holds yet: they came after the plan was frozen,
            or are beyond its limit.
        ignored: Files of the input that are not photos.
    """

    out: str
    plan: Plan
    models: tuple[Model, ...]
    skipped: int = 0
    waiting: int = 0
    ignored: int = 0


def open_models(names: Sequence[str]) -> tuple[Model, ...]:
    """Reads the cards of the named models; loads no weights.

    Raises:
        UsageError: a name is no model, or two models have one task.
    """
    try:
        models = []
        for name in names:
            bundle = scoring.find_bundle(name)
            named = name if name in scoring.built_in_names() else files.to_uri(bundle)
            models.append(Model(named, ModelCard.read(bundle)))
    except ModelError as error:
        raise UsageError(f"--model: {error}") from error
    by_task: dict[str, list[str]] = {}
    for model in models:
        for part in model.card.parts:
            by_task.setdefault(part.task, []).append(model.name)
    for task, sharing in by_task.items():
        if len(sharing) > 1:
            both = " and ".join(sharing)
            raise UsageError(
                f"--model: got {both}, expected one {task} model; leave one out"
            )
    return tuple(models)


def plan_night(config: ScoreConfig) -> Night:
    """Lists the input and freezes the night, or finds it frozen.

    Raises:
        UsageError: the command cannot mean what it says.
    """
    models = open_models(config.model)
    arithmetic = _resolve(config.engine, config.precision)
    out = files.to_uri(config.output)
    listing = inputs.list_photos(config.input, output=out)
    files.check_writable(out)
    settings = _settings(config, models, arithmetic)
    cards = [model.card for model in models]
    fingerprint = scoring.row_fingerprint(
        cards, arithmetic, max_side=config.max_side, tile=config.tile
    )

    def draft(earlier: Sequence[Plan]) -> Draft:
        pending = _pending(out, listing.photos, earlier, fingerprint)
        pending = pending.slice(0, config.limit)
        if not config.rescore:
            _check_rescoring(out, pending, earlier, fingerprint)
        return Draft(
            kind="score",
            settings=settings,
            fingerprint=fingerprint,
            root=listing.root,
            chunk_size=config.chunk_size,
            items=pending,
        )

    plan, is_new = plans.freeze(out, config.night, draft)
    if not is_new:
        plans.check_same_settings(plan, settings)
    skipped, waiting = _not_planned(out, listing.photos, plan)
    return Night(out, plan, models, skipped, waiting, listing.ignored)


def _not_planned(out: str, photos: pa.Table, plan: Plan) -> tuple[int, int]:
    """Returns how many photos are not in a plan: held by others, and by none."""
    others = [
        other
        for other in plans.read_all(out)
        if other.fingerprint == plan.fingerprint and other.sequence != plan.sequence
    ]
    not_planned = plan_items.without(photos, plans.held(out, [plan]))
    waiting = plan_items.without(not_planned, plans.held(out, others)).num_rows
    return not_planned.num_rows - waiting, waiting


def _resolve(engine: str, precision: str) -> engines.Arithmetic:
    try:
        return engines.resolve_arithmetic(engine, precision)
    except ModelError as error:
        raise UsageError(str(error)) from error


def _settings(
    config: ScoreConfig, models: Sequence[Model], arithmetic: engines.Arithmetic
) -> dict[str, JsonValue]:
    """Returns what decides the results; nothing of when, where to and how fast."""
    is_glob = any(sign in config.input for sign in "*?[")
    return {
        "input": config.input if is_glob else files.to_uri(config.input),
        "model": [model.name for model in models],
        "model_fingerprints": [model.card.fingerprint for model in models],
        "engine": arithmetic.engine,
        "precision": arithmetic.precision,
        "instruction_set": arithmetic.instruction_set,
        "max_side": config.max_side,
        "tile": config.tile,
        "masks": config.masks,
        "chunk_size": config.chunk_size,
        "limit": config.limit,
    }


def _pending(
    out: str, photos: pa.Table, earlier: Sequence[Plan], fingerprint: str
) -> pa.Table:
    """Returns the photos that no plan of this fingerprint holds, save for retries."""
    same = [plan for plan in earlier if plan.fingerprint == fingerprint]
    new = plan_items.without(photos, plans.held(out, same))
    retries = plan_items.among(photos, _retryable(out, same))
    if retries.num_rows == 0:
        return new
    return pa.concat_tables([new, retries]).sort_by("image_uri")


def _retryable(out: str, same: Sequence[Plan]) -> pa.Table:
    """Returns photos that failed for a reason that may pass, a few nights long."""
    failed = [results.transient_failures(out, plan) for plan in same]
    columns = ["image_uri", "version"]
    empty = results.SCORES_SCHEMA.empty_table().select(columns)
    failures = pa.concat_tables([empty, *failed])
    if failures.num_rows == 0:
        return empty
    failures = failures.group_by(columns).aggregate([([], "count_all")])
    tried = plan_items.among(plans.held(out, same), failures)
    tried = tried.group_by(columns).aggregate([([], "count_all")])
    counts = {
        (row["image_uri"], row["version"]): row["count_all"]
        for row in tried.to_pylist()
    }
    # Every try failed so far; a try that went well, or is under way, ends the retries.
    kept = [
        (row["image_uri"], row["version"])
        for row in failures.to_pylist()
        if row["count_all"] == counts[row["image_uri"], row["version"]] <= _RETRY_NIGHTS
    ]
    return pa.table(
        [list(column) for column in zip(*kept, strict=True)] or [[], []],
        schema=empty.schema,
    )


def _check_rescoring(
    out: str, pending: pa.Table, earlier: Sequence[Plan], fingerprint: str
) -> None:
    """Refuses to score a whole archive again by mistake.

    Raises:
        UsageError: --rescore is needed, and why.
    """
    others = [plan for plan in earlier if plan.fingerprint != fingerprint]
    again = plan_items.among(pending, plans.held(out, others)).num_rows
    if again:
        raise UsageError(
            f"{again} photos would be scored again: the models, the arithmetic or the "
            "sizes are not those of earlier nights; pass --rescore if that is meant"
        )
    usual = [plan.planned for plan in earlier if plan.kind == "score" and plan.planned]
    if len(usual) >= _USUAL_NIGHTS:
        limit = max(3 * statistics.median(usual), _PLAIN_NIGHT)
        if pending.num_rows > limit:
            raise UsageError(
                f"got {pending.num_rows} new photos, expected at most {limit:.0f}, "
                "three times the usual night; pass --rescore if that is meant"
            )


def plan_replay(config: ReplayConfig) -> Night:
    """Freezes a night of all failed rows that no later row made good.

    Raises:
        UsageError: there is no night yet, or nothing to replay.
    """
    out = files.to_uri(config.output)
    earlier = plans.read_all(out)
    if not earlier:
        raise UsageError(
            f"{config.output}: got no night, expected an output of fcn score; check "
            "the path"
        )
    run_date, plan = _replay_date(out, earlier)
    if plan is None:
        plan, _ = plans.freeze(out, run_date, lambda now: _replay(out, run_date, now))
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
    if replays and results.read_commit(out, replays[-1].run_date) is None:
        return replays[-1].run_date, replays[-1]
    night = [plan for plan in earlier if plan.kind == "score"][-1].run_date
    number = 1
    while plans.find(earlier, f"{night}-replay-{number}") is not None:
        number += 1
    return f"{night}-replay-{number}", None


def _still_failed(out: str, earlier: Sequence[Plan]) -> pa.Table:
    """Returns the photos whose last row failed, in their version of now.

    What an unfinished night holds is left to it: no photo is ever in two plans.
    """
    last: dict[str, tuple[str, int | None]] = {}
    unfinished = []
    for plan in earlier:
        if results.read_commit(out, plan.run_date) is None:
            unfinished.append(plan)
            continue
        for chunk in range(plan.chunks):
            part = results.read_part(out, plan, chunk, columns=["status"])
            items = plans.read_chunk(out, plan, chunk).to_pylist()
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
    return plan_items.without(failed, plans.held(out, unfinished))
