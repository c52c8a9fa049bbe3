"""The page of a night: a single HTML file that opens from disk, alone.

`build` reads what a finished night has left (table, masks, summary, and the photos
where they still are) and writes a page that holds everything it shows: styles, script,
and pictures as `data:` URIs. Its Content-Security-Policy lets nothing else run or load.
File names and error details come from strangers: the template escapes them and spells
out their control and direction marks.
"""

import datetime
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from fcn_core.labels import RATING_BINS, RATING_TASKS, RatingTask
from pipelines import files
from pipelines.chunks.read_ahead import read_ahead
from pipelines.pages import figures, night_cards, night_table, page, thumbnails
from pipelines.pages.chips import BACKGROUND, NOTABLE_SHARE, Chip, chip
from pipelines.pages.night_table import NightTable
from pipelines.pages.rating_figures import TITLES
from pipelines.score import masks, pruned
from pipelines.score import table as score_table
from pipelines.score.layout import NightFolder
from pipelines.score.rows import SCORES_SCHEMA, ScoreRow
from pipelines.score.summary import ModelSummary, Summary, read_summary

SAMPLE_SIZE: Final = 200
"""Photos on the page. At about 30 KiB each, the page stays below 10 MB."""


def build(folder: NightFolder) -> str:
    """Writes `OUT/report/run_date=D/index.html`, replacing an older page.

    Args:
        folder: Of the night, finished: its rows and `summary.json` are there.

    Returns:
        The page's URI.

    Raises:
        UsageError: The night has no `summary.json`.
        SystemicFault: `summary.json` or the table is damaged.
    """
    summary = read_summary(folder)
    table = night_table.read(
        score_table.batches(folder, SCORES_SCHEMA.names),
        scales={task: (min(b), max(b)) for task, b in _bins(summary).items()},
        sample_size=SAMPLE_SIZE,
    )
    files.write_atomically(folder.page, _render(folder, summary, table).encode())
    return folder.page


def _bins(summary: Summary) -> dict[RatingTask, tuple[float, ...]]:
    """Returns task -> ratings, for the models that rated."""
    default = tuple(float(rating) for rating in RATING_BINS)
    models = {task: summary.model(task) for task in RATING_TASKS}
    return {
        task: model.rating_bins or default
        for task, model in models.items()
        if model is not None
    }


def _render(folder: NightFolder, summary: Summary, table: NightTable) -> str:
    names, removed = _class_names(summary), pruned.find(folder)
    legend = [
        (chip(area.class_id, area.share, names), area.photos) for area in table.areas
    ]
    return page.render(
        "night",
        run_date=folder.run_date,
        night=_night(folder.run_date),
        summary=summary,
        command=summary.command,
        pruned="" if removed is None else removed.text,
        models=[(model, _measures(model)) for model in summary.models],
        rated=[
            (task, TITLES[task], scores, figures.histogram(scores))
            for task, scores in table.scores.items()
        ],
        background=BACKGROUND,
        legend=legend,
        strip=_strip([chip for chip, _ in legend]),
        notable_share=NOTABLE_SHARE,
        cards=_cards(folder.out, table.sample, names=names, bins=_bins(summary)),
        failed=_most_first(summary.failures or table.failed),
        failures=[(files.name_of(row.image_uri), row) for row in table.failures],
    )


def _cards(
    out: str,
    rows: Sequence[ScoreRow],
    *,
    names: Mapping[int, str],
    bins: night_cards.Bins,
) -> list[night_cards.Card]:
    """Returns the cards of some photos, which may be far away: several at once."""
    mask_files, threads = masks.Reader(out), files.parallel_reads(out)
    card = partial(night_cards.card, mask_files=mask_files, names=names, bins=bins)
    photos = read_ahead(rows, night_cards.ask, threads=threads, depth=2 * threads)
    pictures = thumbnails.draw(photos, number=len(rows))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(card, rows, pictures))


def _strip(chips: Sequence[Chip]) -> list[tuple[Chip, figures.Box]]:
    """Returns the classes side by side; the background would dwarf them all."""
    things = [chip for chip in chips if chip.name != BACKGROUND]
    total = sum(chip.share for chip in things)
    boxes = figures.strip([chip.share / total for chip in things])
    return list(zip(things, boxes, strict=True))


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _class_names(summary: Summary) -> dict[int, str]:
    segmented = summary.model("segmentation")
    return dict(enumerate((segmented and segmented.classes) or ()))


def _measures(model: ModelSummary) -> str:
    """Returns a sentence about what a model answers."""
    if model.task in RATING_TASKS:
        bins = model.rating_bins or RATING_BINS
        return (
            f"Ratings from {min(bins):g} (worst) to {max(bins):g} (best): the share of "
            "votes that each would get. The score is their mean, \u00b1 their standard "
            "deviation."
        )
    classes = [name for name in model.classes or () if name != BACKGROUND]
    return (
        f"Which of {len(classes)} kinds of things each pixel belongs to, or none: "
        f"{', '.join(classes)}."
    )


def _night(run_date: str) -> str:
    """Returns `Friday, 20 November 2026`, for a replay `..., replay 2`."""
    # With a hyphen before it in outputs of earlier versions.
    date, separator, number = run_date.partition("replay-")
    date = date.rstrip(".-")
    try:
        day = datetime.date.fromisoformat(date)
    except ValueError:
        return run_date
    replay = f", replay {number}" if separator else ""
    return f"{day:%A}, {day.day} {day:%B} {day.year}{replay}"
