"""Where the files of a data set are: the only place that spells their names."""

from dataclasses import dataclass

from fcn_core.records import dataset_info
from pipelines import files
from pipelines.chunks.layout import Place


@dataclass(frozen=True)
class DatasetFolder:
    """The paths of a data set.

    Attributes:
        out: The output of a conversion.
    """

    out: str

    completed = Place("out", dataset_info.COMPLETED_NAME)
    """The mark that the data set is whole."""
    work = Place("out", "_convert")
    """Our own folder; a complete output does not need it."""
    plan = Place("work", "plan.json")
    """The frozen plan."""
    parts = Place("work", "parts")
    """The folder of the parts."""
    refusal = Place("work", "FAILED")
    """The file that says why the data set is not completed."""

    def file(self, name: str) -> str:
        """Returns a file of the finished data set, see `dataset_info` for the names."""
        return files.join(self.out, name)

    def shard(self, split: str, number: int, *, shards: int) -> str:
        """Returns the name of a finished shard."""
        return self.file(shard_name(split, number, shards=shards))

    def staged(self, chunk: int, sha256: str) -> str:
        """Returns the name of a chunk's shard until the data set is finished."""
        name = f"shard-{chunk:05}-{sha256[:16]}.tfrecord"
        return files.join(self.work, "shards", name)

    def sweep(self) -> None:
        """Removes from a complete data set what only its attempts needed."""
        files.remove_folder(self.work)
        files.remove_temporaries(self.out, below=False)


def shard_name(split: str, number: int, *, shards: int) -> str:
    """Returns the file name of a finished shard."""
    return f"{split}-{number:05}-of-{shards:05}.tfrecord"
