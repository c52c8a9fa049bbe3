"""What `fcn stats` prints."""

from typing import Any

_MOST_FINDINGS = 10
_RATINGS = {
    "mean": "mean rating {lowest:.2f}..{highest:.2f}, average {mean:.3f}, sd {std:.3f}",
    "std": "spread of a photo's ratings {lowest:.2f}..{highest:.2f}, "
    "average {mean:.3f}",
    "votes_of_an_image": "votes a photo {lowest:.0f}..{highest:.0f}, "
    "average {mean:.1f}",
}
Answer = dict[str, Any]  # JSON; `finish` lists its keys


def complaints(answer: Answer) -> list[str]:
    """Returns why validation failed, a line each; none where it did not."""
    findings = answer["findings"]
    lines = [
        f"  {finding['records']} x {finding['what']} ({', '.join(finding['ids'])}"
        f"{', ...' if finding['records'] > len(finding['ids']) else ''})"
        for finding in findings[:_MOST_FINDINGS]
    ]
    if len(findings) > _MOST_FINDINGS:
        lines.append(f"  and {len(findings) - _MOST_FINDINGS} other findings")
    if lines:
        got = "records that are not what their schema says"
        lines.insert(0, f"fcn stats: got {got}; convert again")
    return lines


HEADS = ("class", "images", "pixels")


def class_rows(answer: Answer) -> list[tuple[str, ...]]:
    """Returns the classes, and void, as rows below `HEADS`; none for ratings."""
    labels = answer["total"].get("labels")
    if labels is None:
        return []
    classes = [row for row in labels["classes"] if row["images"]]
    return [
        (row["name"], str(row["images"]), _percent(row["share"]))
        for row in [*classes, {"name": "void", **labels["void"]}]
    ]


def closing_lines(answer: Answer) -> list[str]:
    """Returns what a person reads about a data set beside its classes."""
    total = answer["total"]
    lines = [
        f"{name}: {split['records']} records"
        for name, split in answer["splits"].items()
    ]
    longer = total["photos"]["longer_side"]
    if longer["mean"] is not None:
        lines.append(
            f"longer side {longer['lowest']:.0f}..{longer['highest']:.0f} pixels, "
            f"median {longer['quantiles']['0.5']:.0f}"
        )
    if labels := total.get("labels"):
        lines.append(
            "pixels: void's share of all of them, a class's share of the others"
        )
        lines += [
            f"labels of {name}: {one['images']}, void {_percent(one['void_share'])}"
            for name, one in labels["sources"].items()
        ]
    lines += _ratings(total["ratings"]) if "ratings" in total else []
    copies = answer["duplicates"]
    if copies["photos"]:
        lines.append(
            f"{copies['photos']} photos are there more than once, "
            f"{copies['across_splits']} of them in two splits"
        )
    return lines


def _ratings(ratings: Answer) -> list[str]:
    return [
        text.format(**ratings[name])
        for name, text in _RATINGS.items()
        if ratings[name]["mean"] is not None
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}%"
