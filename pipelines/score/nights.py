"""Which photos a night takes: new ones, a few nights of retries, or a replay.

A photo is known by (URI, version, fingerprint): any earlier plan of this output that
holds it, finished or not, keeps it from being planned again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.scoring.arithmetic import Arithmetic
from pipelines import files
from pipelines.score import inputs, known, sequence
from pipelines.score.config import ScoreConfig
from pipelines.score.inputs import Listing
from pipelines.score.keys import Keys
from pipelines.score.layout import NightFolder
from pipelines.score.models import Model, chosen_arithmetic, open_models
from pipelines.score.pending import (
    Pending,
    check_rescoring,
    count_unplanned,
    find_pending,
)
from pipelines.score.photos import Chosen
from pipelines.score.plan import Draft, Plan, PlannedNight, ScoreSettings
from pipelines.score.unread import Aside


@dataclass(frozen=True)
class Night(PlannedNight):
    """A planned night, ready to run.

    Attributes:
        models: The models of the plan.
        skipped: Photos of the input that other nights hold.
        waiting: Photos that no night holds yet: they came after the plan was frozen,
            or are beyond its limit.
        aside: What the input has besides photos.
    """

    models: tuple[Model, ...]
    skipped: int = 0
    waiting: int = 0
    aside: Aside = field(default_factory=Aside)

    @property
    def cards(self) -> list[ModelCard]:
        """A card a task, in the order of the models."""
        return [part for model in self.models for part in model.card.parts]

    def planned(self) -> PlannedNight:
        """Returns what workers need of it."""
        return PlannedNight(self.out, self.plan, durable=self.durable)


def plan_night(config: ScoreConfig) -> Night:
    """Lists the input and freezes the night, or finds it frozen.

    Raises:
        UsageError: The command cannot mean what it says.
    """
    models = open_models(config.model)
    arithmetic = chosen_arithmetic(
        config.engine, config.precision, config.instruction_set
    )
    out = files.to_uri(config.output)
    listing = inputs.list_photos(config.input, output=out, exclude=config.exclude)
    files.check_writable(out)
    settings = _settings(config, models, arithmetic)
    cards = [model.card for model in models]
    fingerprint = _fingerprint(config, cards, arithmetic)

    drafted: list[Pending] = []

    def draft(earlier: Sequence[Plan]) -> Draft:
        drafted.append(_find_pending(config, listing, earlier, fingerprint=fingerprint))
        return Draft(
            kind="score",
            settings=settings,
            fingerprint=fingerprint,
            root=listing.root,
            items=drafted[-1].items,
        )

    folder, durable = NightFolder(out, config.night), config.durable
    plan, is_new = sequence.freeze(folder, draft, durable=durable)
    if is_new:
        skipped, waiting = drafted[-1].skipped, drafted[-1].waiting
    else:
        sequence.check_same_settings(plan, settings)
        noted = _noted(config, out, plan.fingerprint)
        night = PlannedNight(out, plan)
        skipped, waiting = count_unplanned(night, listing.photos, noted=noted)
    return Night(
        out,
        plan,
        models,
        durable=durable,
        skipped=skipped,
        waiting=waiting,
        aside=listing.aside,
    )


def _masks(config: ScoreConfig) -> Literal["png", "tar", "none"]:
    if config.masks != "auto":
        return config.masks
    return "tar" if files.prefers_few_files(files.to_uri(config.output)) else "png"


def _noted(config: ScoreConfig, out: str, fingerprint: str) -> Iterable[Keys]:
    """Returns the keys of photos that are known by their content, if that counts."""
    return known.noted(out, fingerprint) if config.known_by == "content" else ()


def _find_pending(
    config: ScoreConfig,
    listing: Listing,
    earlier: Sequence[Plan],
    *,
    fingerprint: str,
) -> Pending:
    """Returns what the night takes.

    Raises:
        UsageError: That needs `--rescore`.
    """
    out = files.to_uri(config.output)
    same = [plan for plan in earlier if plan.fingerprint == fingerprint]

    def narrow(items: Chosen) -> Chosen:
        return known.leave_out(
            out, items, same=same, root=listing.root, durable=config.durable
        )

    pending = find_pending(
        out,
        listing.photos,
        earlier=earlier,
        fingerprint=fingerprint,
        limit=config.limit,
        noted=_noted(config, out, fingerprint),
        narrow=narrow if config.known_by == "content" else None,
    )
    if not config.rescore:
        check_rescoring(out, pending, earlier=earlier, fingerprint=fingerprint)
    return pending


def _fingerprint(
    config: ScoreConfig, cards: Sequence[ModelCard], arithmetic: Arithmetic
) -> str:
    return scoring.row_fingerprint(
        cards,
        arithmetic,
        max_side=config.max_side,
        tile=config.tile,
        views=config.views,
    )


def _settings(
    config: ScoreConfig, models: Sequence[Model], arithmetic: Arithmetic
) -> ScoreSettings:
    is_glob = files.is_pattern(config.input)
    return ScoreSettings(
        input=config.input if is_glob else files.to_uri(config.input),
        model=tuple(model.name for model in models),
        model_fingerprints=tuple(model.card.fingerprint for model in models),
        engine=arithmetic.engine,
        precision=arithmetic.precision,
        instruction_set=arithmetic.instruction_set,
        max_side=config.max_side,
        tile=config.tile,
        views=config.views,
        masks=_masks(config),
        chunk_size=config.chunk_size,
        limit=config.limit,
    )
