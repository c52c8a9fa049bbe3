"""What `fcn convert` prints when it is done."""

from fcn_core.records import dataset_info
from pipelines.convert import understood


def closing_lines(
    out: str, info: dataset_info.DatasetInfo, *, again: bool
) -> list[str]:
    """Returns what to print of a finished data set.

    Args:
        out: The output.
        info: Its description.
        again: Whether it was complete before this command.
    """
    lines = [f"{out}: already complete"] if again else []
    for name, split in info.splits.items():
        line = (
            f"{name}: {split.read} listed = {split.records} records in {split.shards} "
            f"shards + {split.rejected} rejected"
        )
        if split.published not in (None, split.read):
            line += f" (the published list has {split.published})"
        lines.append(line)
    lines += [f"  {count} {reason}" for reason, count in info.rejected.items()]
    lines += [
        f"  {count} {reason}, written anyway ({dataset_info.WARNINGS_NAME})"
        for reason, count in info.warnings.items()
    ]
    if info.classes is not None and info.pixels:
        pixels = info.label_pixels
        what = understood.text(pixels, classes=info.classes, void=info.void)
        lines.append(f"labels: {what}")
    lines += [f"note: {remark}" for remark in info.remarks]
    return [*lines, f"train with: fcn train {info.task} --data {out} --output RUN_DIR"]
