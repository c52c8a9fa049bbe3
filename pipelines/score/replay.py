"""A replay: a night's failed photos, planned again."""

from collections.abc import Sequence

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import lookup, pruned, publish, sequence
from pipelines.score.config import ReplayConfig
from pipelines.score.failures import still_failed
from pipelines.score.layout import NightFolder, replay_name
from pipelines.score.models import open_models
from pipelines.score.nights import Night
from pipelines.score.plan import Draft, Plan, PlannedNight, ScoreSettings
from pipelines.score.pruned import Pruned
from pipelines.score.summary import find_summary


def find_settings(config: ReplayConfig) -> ScoreSettings:
    """Returns the settings that a replay takes over: those of the last night.

    Raises:
        UsageError: There is no night yet.
    """
    return lookup.plans_of(config.output)[-1].settings


def find_pruned(config: ReplayConfig) -> list[Pruned]:
    """Returns which nights of the output have no masks any more, by rule."""
    nights = lookup.nights_of(config.output)
    return list(filter(None, (pruned.find(night.folder) for night in nights)))


def plan_replay(config: ReplayConfig) -> Night:
    """Freezes a night of all failed rows that no later row made good.

    Raises:
        UsageError: There is no night yet, or nothing to replay.
    """
    out, earlier = files.to_uri(config.output), lookup.plans_of(config.output)
    run_date, plan = _replay_date(out, earlier)
    if plan is None:
        folder = NightFolder(out, run_date)
        plan, _ = sequence.freeze(
            folder, lambda now: _draft(folder, now), durable=config.durable
        )
    models = open_models(plan.settings.model)
    return Night(out, plan, models, durable=config.durable)


def _draft(folder: NightFolder, earlier: Sequence[Plan]) -> Draft:
    failed = still_failed(folder.out, earlier)
    if failed.num_rows == 0:
        raise UsageError(
            f"{folder.out}: got no failed photo, expected at least one to replay; all "
            "are scored, or in a night that is not finished"
        )
    latest = earlier[-1]
    source = f"failed rows before {folder.run_date}"
    return Draft(
        kind="replay",
        settings=latest.settings.model_copy(update={"input": source}),
        fingerprint=latest.fingerprint,
        root=latest.root,
        items=failed,
    )


def _replay_date(out: str, earlier: Sequence[Plan]) -> tuple[str, Plan | None]:
    """Returns the next replay's name, after its night, or the one to go on with."""
    replays = [plan for plan in earlier if plan.kind == "replay"]
    if replays and _is_complete(PlannedNight(out, replays[-1])):
        # Its command plans a new one now, and will not come back to this one.
        publish.sweep(PlannedNight(out, replays[-1]))
    elif replays:
        return replays[-1].run_date, replays[-1]
    night = [plan for plan in earlier if plan.kind == "score"][-1].run_date
    taken = {plan.run_date for plan in replays}
    number = 1
    # With a hyphen they were called by earlier versions.
    while taken & {replay_name(night, number), f"{night}-replay-{number}"}:
        number += 1
    return replay_name(night, number), None


def _is_complete(night: PlannedNight) -> bool:
    """Whether a replay is published with all that belongs to it."""
    commit = night.commit()
    return (
        commit is not None
        and publish.is_shown(night, commit)
        and find_summary(night.folder) is not None
        and bool(files.size(night.folder.page))
    )
