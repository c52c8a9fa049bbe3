"""The page of one night: a single HTML file that opens from disk, alone.

`build` reads what a finished night has left (the table, the masks, the summary, and
the photos where they still are) and writes one page that holds everything it shows:
styles, script, and pictures as data: URIs. Its Content-Security-Policy lets nothing
else run or load. File names and error details come from strangers: they are escaped by
the template, and shown with their control and direction marks spelled out.
"""

import base64
import datetime
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import jinja2
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fcn_core.labels import RATING_BINS
from fcn_core.model_card import Metric
from pipelines import files, report_cards, report_figures, report_table, results
from pipelines.faults import SystemicFault, UsageError
from pipelines.report_cards import BACKGROUND
from pipelines.report_table import NOTABLE_SHARE, NightTable

SAMPLE_SIZE: Final = 200
"""Photos on the page. At about 30 KiB each, the page stays below 10 MB."""

TEMPLATES: Final = Path(__file__).parent / "templates"


class ModelSummary(BaseModel):
    """A model as `summary.json` names it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    version: str | int = ""
    task: Literal["segmentation", "aesthetics"]
    fingerprint: str = ""
    classes: tuple[str, ...] | None = None
    rating_bins: tuple[float, ...] | None = None
    notes: str = ""
    origin: str = ""
    licence: str = ""
    metrics: tuple[Metric, ...] = ()


class Summary(BaseModel):
    """The part of `summary.json` that the page shows."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    verdict: Literal["success", "failed"] = "success"
    why: str | None = None
    planned: int
    ok: int
    failed: int
    skipped: int = 0
    failures: dict[str, int] = Field(default_factory=dict)
    seconds: float
    images_per_second: float
    engine: str = ""
    precision: str = ""
    instruction_set: str = ""
    models: tuple[ModelSummary, ...] = ()
    command: str | tuple[str, ...] = ""

    def model(self, task: str) -> ModelSummary | None:
        """Returns the model of a task, None where none ran."""
        return next((model for model in self.models if model.task == task), None)


def build(out: str, run_date: str) -> str:
    """Writes `OUT/report/run_date=D/index.html`, replacing an older page.

    Args:
        out: Output folder of `fcn score`.
        run_date: The night, finished: its rows and `summary.json` are there.

    Returns:
        The page's URI.

    Raises:
        UsageError: the night has no `summary.json`.
        SystemicFault: `summary.json` is not what this version writes.
    """
    folder = results.report_folder(out, run_date)
    summary = _read_summary(files.join(folder, "summary.json"), run_date)
    bins = _rating_bins(summary)
    table = report_table.read(
        [files.to_path(uri) for uri in results.table_uris(out, run_date)],
        low=min(bins),
        high=max(bins),
        sample_size=SAMPLE_SIZE,
    )
    page = results.page_uri(out, run_date)
    files.write_atomically(page, _render(out, run_date, summary, table).encode())
    return page


def _read_summary(uri: str, run_date: str) -> Summary:
    try:
        return Summary.model_validate(json.loads(files.read_bytes(uri)))
    except FileNotFoundError as error:
        raise UsageError(
            f"{uri}: there is none, expected the summary of run_date={run_date}; "
            "let `fcn score` finish that night first"
        ) from error
    except (ValidationError, ValueError) as error:
        got = str(error).splitlines()[0]
        raise SystemicFault(
            f"{uri}: got {got}, expected what `fcn score` of this version writes; "
            "run the same `fcn score` again"
        ) from error


def _rating_bins(summary: Summary) -> tuple[float, ...]:
    rated = summary.model("aesthetics")
    if rated is None or not rated.rating_bins:
        return tuple(float(rating) for rating in RATING_BINS)
    return rated.rating_bins


def environment() -> jinja2.Environment:
    """Returns where templates come from, and the filters that they use."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        visible=visible, number=number, duration=duration, percent=percent
    )
    return templates


def _render(out: str, run_date: str, summary: Summary, table: NightTable) -> str:
    style = (TEMPLATES / "report.css").read_text("utf-8")
    script = (TEMPLATES / "report.js").read_text("utf-8")
    names = _class_names(summary)
    bins = _rating_bins(summary)
    legend = [
        (report_cards.chip(area.class_id, area.share, names), area.photos)
        for area in table.areas
    ]
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            style=Markup(style),
            script=Markup(script),
            policy=policy(style, script),
            run_date=run_date,
            night=_night(run_date),
            summary=summary,
            command=_command(summary),
            models=[(model, _measures(model)) for model in summary.models],
            scores=table.scores,
            histogram=table.scores and report_figures.histogram(table.scores),
            bins=bins,
            background=BACKGROUND,
            legend=legend,
            strip=_strip([chip for chip, _ in legend]),
            notable_share=NOTABLE_SHARE,
            cards=[
                report_cards.card(row, out=out, names=names, bins=bins)
                for row in table.sample
            ],
            failed=_most_first(summary.failures or table.failed),
            failures=[
                (report_cards.file_name(row["image_uri"]), row)
                for row in table.failures
            ],
        )
    )


def _strip(
    chips: Sequence[report_cards.Chip],
) -> list[tuple[report_cards.Chip, report_figures.Box]]:
    """Returns the classes side by side; the background would dwarf them all."""
    things = [chip for chip in chips if chip.name != BACKGROUND]
    total = sum(chip.share for chip in things)
    boxes = report_figures.strip([chip.share / total for chip in things])
    return list(zip(things, boxes, strict=True))


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def policy(style: str, script: str = "") -> str:
    """Allows pictures inside the page and exactly this style and this script.

    Args:
        style: the page's.
        script: the page's; none at all is allowed where it is empty.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_source_hash(style)}'",
            f"script-src '{_source_hash(script)}'" if script else "script-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _source_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _class_names(summary: Summary) -> dict[int, str]:
    segmented = summary.model("segmentation")
    return dict(enumerate((segmented and segmented.classes) or ()))


def _measures(model: ModelSummary) -> str:
    """Says what a model answers, from what it answers with."""
    if model.task == "aesthetics":
        bins = model.rating_bins or RATING_BINS
        return (
            f"A rating from {min(bins):g} (worst) to {max(bins):g} (best), as the "
            "share of votes each rating would get. The score is their mean, \u00b1 "
            "their standard deviation."
        )
    classes = [name for name in model.classes or () if name != BACKGROUND]
    return (
        f"Which of {len(classes)} kinds of things each pixel belongs to, or none: "
        f"{', '.join(classes)}."
    )


def _command(summary: Summary) -> str:
    if isinstance(summary.command, str):
        return summary.command
    return shlex.join(summary.command)


def _night(run_date: str) -> str:
    """Returns `Friday, 20 November 2026`, for a replay `..., replay 2`."""
    date, separator, number = run_date.partition("-replay-")
    try:
        day = datetime.date.fromisoformat(date)
    except ValueError:
        return run_date
    replay = f", replay {number}" if separator else ""
    return f"{day:%A}, {day.day} {day:%B} {day.year}{replay}"


def visible(text: str | None) -> str:
    r"""Returns text with what cannot be seen spelled out: `\u202e`, `\n`, `\x1b`.

    A right-to-left override in a file name could otherwise make `gpj.exe` of `exe.jpg`.
    """
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text or ""
    )


def number(value: float, digits: int = 0) -> str:
    """Returns a number with thousands separated: `12,345.6`."""
    return f"{value:,.{digits}f}"


def percent(share: float) -> str:
    """Returns a share 0..1 as `34%`, `3.4%` or `<0.1%`; only all of it is `100%`."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    digits = 1 if 0 < share < 0.0995 or 0.995 <= share < 1 else 0
    return f"{100 * share:.{digits}f}%"


def duration(seconds: float) -> str:
    """Returns `41.3 s`, `12 min 5 s` or `7 h 32 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
