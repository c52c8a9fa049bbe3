"""Which photos a night takes: new ones, a few nights of retries, or a replay.

A photo is known by (URI, version, fingerprint): any earlier plan of this output that
holds it, finished or not, keeps it from being planned again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fcn_core import scoring
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.precisions import join, split
from pipelines import files
from pipelines.score import gates, inputs, known, sequence
from pipelines.score.config import ScoreConfig
from pipelines.score.gates import Policy
from pipelines.score.inputs import Listing
from pipelines.score.keys import Keys
from pipelines.score.layout import NightFolder
from pipelines.score.models import Model, chosen_arithmetics, open_models
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
    def arithmetics(self) -> tuple[Arithmetic, ...]:
        """What computes each model."""
        return arithmetics_of(self.plan.settings)

    @property
    def class_names(self) -> dict[int, str]:
        """Class id -> name, where a model of the night has classes."""
        parts = [part for model in self.models for part in model.card.parts]
        cards = [part for part in parts if part.classes]
        return dict(enumerate(cards[0].classes or ())) if cards else {}

    def planned(self) -> PlannedNight:
        """Returns what workers need of it."""
        return PlannedNight(self.out, self.plan, durable=self.durable)


def arithmetics_of(settings: ScoreSettings) -> tuple[Arithmetic, ...]:
    """Returns what computes each model of some settings."""
    return split(
        settings.engine,
        settings.precision,
        settings.instruction_set,
        count=len(settings.model),
    )


@dataclass(frozen=True)
class Order:
    """What `fcn nightly` asks of a night besides the settings of `fcn score`.

    Attributes:
        policy: How the night is judged.
        listing: Its photos, where they are not just those of one input.
        input: What the plan names as the input, likewise.
    """

    policy: Policy
    listing: Callable[[], Listing] | None = None
    input: str | None = None


def plan_night(config: ScoreConfig, order: Order | None = None) -> Night:
    """Lists the input and freezes the night, or finds it frozen.

    Args:
        config: The settings.
        order: What else is asked for; None: a night of `fcn score`.

    Raises:
        UsageError: The command cannot mean what it says.
        GatesClosed: The night is too unusual to be begun.
    """
    out = files.to_uri(config.output)
    models, settings, fingerprint = resolve(config)
    listing = _list(config, out, order)
    files.check_writable(out)
    if order is not None and order.input is not None:
        settings = settings.model_copy(update={"input": order.input})
    drafted: list[Pending] = []
    policy = None if order is None else order.policy

    def draft(earlier: Sequence[Plan]) -> Draft:
        drafted.append(
            _find_pending(
                config, listing, earlier, fingerprint=fingerprint, policy=policy
            )
        )
        new = Draft(
            kind="score",
            settings=settings,
            fingerprint=fingerprint,
            root=listing.root,
            items=drafted[-1].items,
        )
        if policy is None:
            return new
        return gates.judge(new, out, earlier, policy=policy)

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


def resolve(config: ScoreConfig) -> tuple[tuple[Model, ...], ScoreSettings, str]:
    """Returns the models of a command, its resolved settings, and their fingerprint.

    Raises:
        UsageError: There is no such model, or this machine cannot compute it so.
    """
    models = open_models(config.model)
    arithmetics = chosen_arithmetics(models, config)
    fingerprint = scoring.row_fingerprint(
        [model.card for model in models],
        arithmetics,
        max_side=config.max_side,
        tile=config.tile,
        views=config.views,
    )
    return models, _settings(config, models, arithmetics), fingerprint


def _list(config: ScoreConfig, out: str, order: Order | None) -> Listing:
    if order is not None and order.listing is not None:
        return order.listing()
    return inputs.list_photos(config.input, output=out, exclude=config.exclude)


def find_night(out: str, run_date: str, *, durable: bool = True) -> Night | None:
    """Returns a night as it was planned, to be finished; None where there is none.

    Nothing is listed: what its plan froze is all that it takes.

    Raises:
        UsageError: A model of its plan is not there any more.
    """
    plan = sequence.find(sequence.read_all(out), run_date)
    if plan is None:
        return None
    return Night(out, plan, open_models(plan.settings.model), durable=durable)


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
    policy: Policy | None,
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
    if not (config.rescore or (policy is not None and policy.accepted is not None)):
        check_rescoring(
            out,
            pending,
            earlier=earlier,
            fingerprint=fingerprint,
            any_size=policy is not None,
        )
    return pending


def _settings(
    config: ScoreConfig, models: Sequence[Model], arithmetics: Sequence[Arithmetic]
) -> ScoreSettings:
    precision, instruction_set = join(arithmetics)
    is_glob = files.is_pattern(config.input)
    return ScoreSettings(
        input=config.input if is_glob else files.to_uri(config.input),
        model=tuple(model.name for model in models),
        model_fingerprints=tuple(
            model.card.fingerprint_in(each.precision)
            for model, each in zip(models, arithmetics, strict=True)
        ),
        engine=arithmetics[0].engine,
        precision=precision,
        instruction_set=instruction_set,
        max_side=config.max_side,
        tile=config.tile,
        views=config.views,
        masks=_masks(config),
        chunk_size=config.chunk_size,
        limit=config.limit,
    )
