"""What `fcn stats` is to count, and where the parts of its answer lie."""

from dataclasses import dataclass
from typing import Final, Literal

from fcn_core.labels import VOID, Task
from fcn_core.records import dataset_info
from fcn_core.records.record import RECORD_OF, features
from pipelines import files
from pipelines.chunks.frozen import Frozen, Identified
from pipelines.chunks.parts import Parts
from pipelines.faults import UsageError
from pipelines.statistics import batches
from pipelines.statistics.rows import RECORDS_SCHEMA

_CLASS_IDS: Final = 255
_TYPES: Final = {"bytes": 1, "text": 1, "int": 2, "float": 3}
"""The numbers of the features' types in tensorflow-metadata."""
_PARTS_CURE: Final = "remove it and run the same command again"


class Read(Frozen):
    """How a data set's shards are to be read.

    Attributes:
        task: What the records train.
        schema_text: The content of `schema.pbtxt`.
        classes: Number of class ids.
        void: The label value that is no class.
    """

    task: Task
    schema_text: str
    classes: int
    void: int


class StatisticsPlan(Identified):
    """What decides the statistics of a data set.

    Attributes:
        plan_id: Hash of everything below; parts carry it.
        version: Of what is counted and how.
    """

    plan_id: str = ""
    version: Literal[2] = 2
    data_fingerprint: str
    how: Read


@dataclass(frozen=True)
class Statistics:
    """Planned statistics, ready to run.

    Attributes:
        folder: The data set.
        output: The JSON file of the answer.
        plan: What decides the answer.
        info: The data set's description.
        shards: Split and shard of each chunk.
    """

    folder: str
    output: str
    plan: StatisticsPlan
    info: dataset_info.DatasetInfo
    shards: tuple[tuple[str, dataset_info.Shard], ...]

    @property
    def records(self) -> int:
        """Records of all shards."""
        return sum(shard.records for _, shard in self.shards)

    @property
    def work(self) -> str:
        """Our own folder beside the answer; gone when it is written."""
        folder, _, name = self.output.rpartition("/")
        return files.join(folder, f".{name}.{self.plan.plan_id[:16]}")

    @property
    def plan_uri(self) -> str:
        """The plan as a file, by which a worker tells that it sees the output."""
        return files.join(self.work, "plan.json")

    @property
    def page(self) -> str:
        """The page beside the answer."""
        return f"{self.output.removesuffix('.json')}.html"

    @property
    def parts(self) -> Parts:
        """Its parts."""
        folder, plan_id = self.work, self.plan.plan_id
        return Parts(folder, plan_id, schema=RECORDS_SCHEMA, cure=_PARTS_CURE)


def plan_statistics(folder: str, output: str | None) -> Statistics:
    """Returns what is to be counted; nothing of the shards is read.

    Args:
        folder: A finished data set.
        output: The JSON file of the answer; `statistics.json` in the folder if None.

    Raises:
        UsageError: It is not a finished data set, or the answer cannot be written.
    """
    uri = files.to_uri(folder)
    try:
        info = dataset_info.read_dataset_info(
            uri, exists=files.exists, read=files.read_bytes
        )
    except dataset_info.DatasetError as error:
        raise UsageError(str(error)) from error
    target = files.to_uri(output) if output else files.join(uri, "statistics.json")
    if not target.endswith(".json"):
        raise UsageError(
            f"--output: got {target}, expected a file that ends in .json; the page is "
            "written beside it"
        )
    files.check_writable(target.rpartition("/")[0])
    plan = StatisticsPlan(
        data_fingerprint=info.fingerprint,
        how=Read(
            task=info.task,
            schema_text=_schema_text(uri, info.task),
            classes=_CLASS_IDS if info.classes is None else len(info.classes),
            void=VOID if info.void is None else info.void,
        ),
    ).identified()
    statistics = Statistics(
        folder=uri,
        output=target,
        plan=plan,
        info=info,
        shards=tuple(
            (name, shard)
            for name, split in info.splits.items()
            for shard in split.files
        ),
    )
    files.write_atomically(statistics.plan_uri, plan.encode())
    return statistics


def _schema_text(folder: str, task: Task) -> str:
    uri = files.join(folder, dataset_info.SCHEMA_NAME)
    try:
        text = files.read_bytes(uri).decode()
        schema = batches.parse_schema(text, leave_out=())
    except (FileNotFoundError, ValueError, batches.UnreadableError) as error:
        got = " ".join(str(error).split())[:120]
        raise UsageError(
            f"{uri}: got {got}, expected the schema of the records; convert the data "
            "set again"
        ) from error
    described = {feature.name: feature.type for feature in schema.feature}
    wanted = {f.key: _TYPES[f.kind] for f in features(RECORD_OF[task]).values()}
    for name, kind in sorted(wanted.items()):
        if described.get(name) != kind:
            raise UsageError(
                f"{uri}: got no {name} of the records' type, expected every feature of "
                f"{task} records; convert the data set again"
            )
    return text
