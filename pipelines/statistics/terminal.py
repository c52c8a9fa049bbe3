"""What `fcn stats` prints."""

from typing import Any

_MOST_FINDINGS = 10


def complaints(answer: dict[str, Any]) -> list[str]:
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
        head = (
            "fcn stats: got records that are not what their schema says; convert again"
        )
        lines.insert(0, head)
    return lines


HEADS = ("class", "images", "pixels")


def class_rows(answer: dict[str, Any]) -> list[tuple[str, ...]]:
    """Returns the classes, and void, as rows below `HEADS`; none for ratings."""
    labels = answer["total"].get("labels")
    if labels is None:
        return []
    classes = [row for row in labels["classes"] if row["images"]]
    return [
        (row["name"], str(row["images"]), _percent(row["share"]))
        for row in [*classes, {"name": "void", **labels["void"]}]
    ]


def closing_lines(answer: dict[str, Any]) -> list[str]:
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
    lines += _labels(total["labels"]) if "labels" in total else []
    lines += _ratings(total["ratings"]) if "ratings" in total else []
    copies = answer["duplicates"]
    if copies["photos"]:
        lines.append(
            f"{copies['photos']} photos are there more than once, "
            f"{copies['across_splits']} of them in two splits"
        )
    return lines


def _labels(labels: dict[str, Any]) -> list[str]:
    lines = ["pixels: void's share of all of them, a class's share of the others"]
    return lines + [
        f"labels of {name}: {source['images']}, void {_percent(source['void_share'])}"
        for name, source in labels["sources"].items()
    ]


def _ratings(ratings: dict[str, Any]) -> list[str]:
    mean, std, votes = ratings["mean"], ratings["std"], ratings["votes_of_an_image"]
    lines = []
    if mean["mean"] is not None:
        lines.append(
            f"mean rating {mean['lowest']:.2f}..{mean['highest']:.2f}, average "
            f"{mean['mean']:.3f}, sd {mean['std']:.3f}"
        )
    if std["mean"] is not None:
        lines.append(
            f"spread of a photo's ratings {std['lowest']:.2f}..{std['highest']:.2f}, "
            f"average {std['mean']:.3f}"
        )
    if votes["mean"] is not None:
        lines.append(
            f"votes a photo {votes['lowest']:.0f}..{votes['highest']:.0f}, average "
            f"{votes['mean']:.1f}"
        )
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}%"
