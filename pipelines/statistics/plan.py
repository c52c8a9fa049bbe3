"""What `fcn stats` is to count, and where the parts of the answer lie meanwhile."""

import hashlib
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from fcn_core.labels import VOID, Task
from fcn_core.records import dataset_info
from fcn_core.records.fields import Feature
from fcn_core.records.record import RECORD_OF, features
from pipelines import files
from pipelines.faults import UsageError
from pipelines.statistics import batches


class Read(BaseModel):
    """How a data set's shards are to be read.

    Attributes:
        task: what the records train.
        schema_text: the content of `schema.pbtxt`.
        classes: number of class ids.
        void: the label value that is no class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Task
    schema_text: str
    classes: int
    void: int


VERSION: Final = 1
"""Of what is counted and how; a part of another one is not read."""

_CLASS_IDS: Final = 255


@dataclass(frozen=True)
class Plan:
    """What is to be counted.

    Attributes:
        folder: the data set.
        output: the JSON file of the answer.
        plan_id: of this data set and version.
        info: the data set's description.
        shards: split and shard of each chunk.
        how: to read them.
    """

    folder: str
    output: str
    plan_id: str
    info: dataset_info.DatasetInfo
    shards: tuple[tuple[str, dataset_info.Shard], ...]
    how: Read

    @property
    def records(self) -> int:
        """Records of all shards."""
        return sum(shard.records for _, shard in self.shards)

    @property
    def parts_folder(self) -> str:
        """Where parts lie until the answer is written."""
        folder, _, name = self.output.rpartition("/")
        return files.join(folder, f".{name}.{self.plan_id[:16]}")


def make_plan(folder: str, output: str | None) -> Plan:
    """Returns what is to be counted; nothing of the shards is read.

    Args:
        folder: a finished data set.
        output: the JSON file of the answer; `statistics.json` in the folder if None.

    Raises:
        UsageError: it is not a finished data set, or the answer cannot be written.
    """
    uri = files.to_uri(folder)
    try:
        info = dataset_info.read_dataset_info(files.to_path(uri))
    except dataset_info.DatasetError as error:
        raise UsageError(str(error)) from error
    target = files.to_uri(output) if output else files.join(uri, "statistics.json")
    if not target.endswith(".json"):
        raise UsageError(
            f"--output: got {target}, expected a file that ends in .json; the page is "
            "written beside it"
        )
    files.check_writable(target.rpartition("/")[0])
    text = _schema_text(uri, info.task)
    content = (
        f"{VERSION} {info.fingerprint} {hashlib.sha256(text.encode()).hexdigest()}"
    )
    return Plan(
        folder=uri,
        output=target,
        plan_id=hashlib.sha256(content.encode()).hexdigest(),
        info=info,
        shards=tuple(
            (name, shard)
            for name, split in info.splits.items()
            for shard in split.files
        ),
        how=Read(
            task=info.task,
            schema_text=text,
            classes=_CLASS_IDS if info.classes is None else len(info.classes),
            void=VOID if info.void is None else info.void,
        ),
    )


def _schema_text(folder: str, task: Task) -> str:
    uri = files.join(folder, dataset_info.SCHEMA_NAME)
    try:
        text = files.read_bytes(uri).decode()
        schema = batches.parse_schema(text, leave_out=())
    except (FileNotFoundError, ValueError, batches.UnreadableError) as error:
        said = " ".join(str(error).split())[:120]
        raise UsageError(
            f"{uri}: got {said}, expected the schema of the records; convert the data "
            "set again"
        ) from error
    described = {feature.name: feature.type for feature in schema.feature}
    wanted = {f.key: _kind(f) for f in features(RECORD_OF[task]).values()}
    for name in sorted(wanted):
        if described.get(name) != wanted[name]:
            raise UsageError(
                f"{uri}: got no {name} of the records' type, expected every feature of "
                f"{task} records; convert the data set again"
            )
    return text


def _kind(feature: Feature) -> int:
    """Returns the number of a feature's type in tensorflow-metadata."""
    return {"int": 2, "float": 3}.get(feature.kind, 1)
