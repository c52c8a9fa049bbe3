"""The limits of a night's gates, as the night's plan freezes them."""

from pydantic import Field

from pipelines.chunks.frozen import Frozen
from pipelines.chunks.pieces import Piece
from pipelines.expected import expects

_OFF = "; null: never"


class GateSettings(Frozen):
    """When a night is not published. Each limit may be null: that gate is off."""

    min_input: float | None = Field(
        default=0.05,
        ge=0,
        description="least new photos, as a share of the median of the last nights"
        + _OFF,
    )
    max_input: float | None = Field(
        default=5.0,
        ge=1,
        description="most new photos, as a multiple of that median" + _OFF,
    )
    max_psi: float | None = Field(
        default=0.25,
        gt=0,
        description="most drift of a rating: population stability index against the "
        "reference" + _OFF,
    )
    max_ks: float | None = Field(
        default=0.15,
        gt=0,
        le=1,
        description="most drift of a rating: Kolmogorov-Smirnov distance to the "
        "reference" + _OFF,
    )
    max_class_shift: float | None = Field(
        default=0.25,
        gt=0,
        le=1,
        description="largest share of photos with another dominant class than in the "
        "reference" + _OFF,
    )
    max_blank_shift: float | None = Field(
        default=0.25,
        gt=0,
        le=1,
        description="most by which the share of blank masks (of a single class) may "
        "differ from the reference" + _OFF,
    )
    max_blank_rate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="largest share of blank masks, whatever the reference" + _OFF,
    )
    reference: str | None = Field(
        default=None,
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        json_schema_extra=expects("YYYY-MM-DD"),
        description="the committed night, YYYY-MM-DD, that ratings and classes are "
        "compared with; null: the last nights together",
    )
    window: int = Field(
        default=28,
        ge=3,
        le=366,
        description="how many committed nights count as the last nights",
    )
    min_photos: int = Field(
        default=200,
        ge=20,
        description="photos that a night and its reference must have for ratings, "
        "classes and blank masks to be compared at all",
    )
    canary_mean: float = Field(
        default=0.1,
        ge=0,
        description="most by which a canary's mean rating may differ from its pin",
    )
    canary_share: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="largest share of a canary's pixels that may have another class",
    )
    min_free_gb: float | None = Field(
        default=1.0,
        ge=0,
        description="GB that must be left on the output's disk when the night is done"
        + _OFF,
    )
    max_cost: float | None = Field(
        default=None,
        ge=0,
        description="most that a night may cost, in the currency of price_per_hour"
        + _OFF,
    )
    price_per_hour: float | None = Field(
        default=None,
        ge=0,
        description="price of an hour of all workers together; max_cost needs it",
    )
    images_per_second: float | None = Field(
        default=None,
        gt=0,
        description="speed of all workers together; null: that of the last nights",
    )


class Acceptance(Frozen):
    """A person's word that a night is published in spite of its gates.

    Attributes:
        who: The user who typed it.
        when: The time of it, UTC; the only time of day that a commit holds.
        why: What was typed.
        reasons: What the gates had against it.
    """

    who: str
    when: str
    why: str
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """It in one line."""
        return f"accepted by {self.who} at {self.when}: {self.why}"


class FrozenGates(Frozen):
    """The gates of a plan.

    Attributes:
        settings: Their limits.
        baseline: The file of the statistics of the reference; none where there is no
            comparable night.
        accepted: Who let the plan be made in spite of the gates before it.
    """

    settings: GateSettings
    baseline: tuple[Piece, ...] = ()
    accepted: Acceptance | None = None
