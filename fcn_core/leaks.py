"""No photo may be trained on and measured: checked by the photos' own hashes."""

from collections.abc import Iterable

from fcn_core.dataset_info import DatasetError
from fcn_core.input_pipeline import Source


def check_leaks(training: Source, others: Iterable[Source]) -> None:
    """Refuses splits that share photos with the training split.

    Args:
        training: What is trained on.
        others: What chooses the epoch or measures the model.

    Raises:
        DatasetError: A photo is in both; names the first and counts them.
    """
    trained = {record.sha256: record.source_id for record in training.records()}
    for other in others:
        shared = [
            record.source_id for record in other.records() if record.sha256 in trained
        ]
        if shared:
            raise DatasetError(
                f"{training.folder}: splits {training.split} and {other.split} share "
                f"{len(shared)} photos (the first is {shared[0]}), expected none: the "
                "figures would be too good; choose another split, or pass --allow_leak"
            )
