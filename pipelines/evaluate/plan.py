"""The frozen plan of an evaluation: which model, which records, cut into which chunks.

It is created once in a folder of ours beside the output; whoever comes second, after a
kill or at the same time, goes on with it or is told what differs.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.labels import Task
from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.dataset_info import DatasetError, DatasetInfo
from fcn_core.scoring import arithmetic
from pipelines import files
from pipelines.evaluate import leak as evaluate_leak
from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.match import class_ids, matching_part
from pipelines.faults import SystemicFault, UsageError


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Chunk(_Frozen):
    """Consecutive records of one shard.

    Attributes:
        shard: Its file name.
        first: Number of the first record in the shard.
        records: How many.
        offset: Where the first one begins; None where a damaged length hides it.
    """

    shard: str
    first: int
    records: int
    offset: int | None


class EvaluatePlan(_Frozen):
    """What an evaluation is to do, decided once.

    Attributes:
        plan_id: Hash of all that decides the result; parts carry it.
        settings: The same as names and values, to compare with and to publish.
        task: "segmentation" or "aesthetics".
        class_names: Of the data set, by its ids (segmentation).
        class_ids: Its class id for each class id of the model (segmentation).
        bins: The ratings that the model's shares belong to (aesthetics).
        void: Label values that are left out.
        leak: What was compared with the training data, and what was not.
        chunks: The records.
        planned: How many.
    """

    plan_id: str
    settings: dict[str, JsonValue]
    task: Task
    class_names: tuple[str, ...]
    class_ids: tuple[int, ...]
    bins: tuple[float, ...]
    void: tuple[int, ...]
    leak: evaluate_leak.Leak
    chunks: tuple[Chunk, ...]
    planned: int


class Evaluation(_Frozen):
    """A planned evaluation, ready to run.

    Attributes:
        output: The JSON file.
        data: The data set's folder.
        model: The model's built-in name, or its folder.
        card: The model's card.
        plan: What to do.
    """

    output: str
    data: str
    model: str
    card: ModelCard
    plan: EvaluatePlan

    @property
    def work(self) -> str:
        """Our own folder, beside the output; gone when all is published."""
        return beside(self.output, ".work")


def beside(output: str, ending: str) -> str:
    """Returns the name of a file beside FILE.json, for example FILE.html."""
    return output.removesuffix(".json") + ending


def plan_evaluation(config: EvaluateConfig) -> Evaluation:
    """Checks that model and data fit, and freezes the plan, or finds it frozen.

    Raises:
        UsageError: the command cannot mean what it says.
    """
    try:
        bundle = scoring.find_bundle(config.model)
        card = ModelCard.read(bundle)
        chosen = arithmetic.resolve_arithmetic(config.engine, config.precision)
    except ModelError as error:
        raise UsageError(f"--model: {error}") from error
    built_in = config.model in scoring.built_in_names()
    data = files.to_uri(config.data)
    folder = files.to_path(data)
    try:
        info = dataset_info.read_dataset_info(folder)
        info.shard_paths(folder, config.split)
    except DatasetError as error:
        raise UsageError(f"--data: {error}") from error
    settings: dict[str, JsonValue] = {
        "model": card.label,
        "model_fingerprint": card.fingerprint,
        "data": info.dataset,
        "data_fingerprint": info.fingerprint,
        "split": config.split,
        "engine": chosen.engine,
        "precision": chosen.precision,
        "instruction_set": chosen.instruction_set,
        "max_side": config.max_side,
        "void": config.void,
        "chunk_size": config.chunk_size,
    }
    output = files.to_uri(config.output)
    plan = _find(output, settings)
    # Allowed once, a leak is not asked for again when an evaluation goes on.
    if plan is None or (plan.leak.why and not config.allow_leak):
        plan = _freeze(output, folder, info, card, settings, config)
    return Evaluation(
        output=output,
        data=data,
        model=config.model if built_in else files.to_uri(bundle),
        card=card,
        plan=plan,
    )


def _find(output: str, settings: Mapping[str, JsonValue]) -> EvaluatePlan | None:
    """Returns the plan that an earlier attempt froze.

    Raises:
        UsageError: the output is, or was begun as, another evaluation.
    """
    if files.exists(output):
        check_same(output, _published_settings(output), settings)
    uri = _plan_uri(output)
    try:
        plan = EvaluatePlan.model_validate_json(files.read_bytes(uri))
        if _plan_id(plan.model_dump(mode="json")) != plan.plan_id:
            raise ValueError("another content")
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SystemicFault(
            f"{uri}: got a damaged plan, expected what this program froze; remove its "
            "folder, and the same command starts again"
        ) from error
    check_same(output, plan.settings, settings)
    return plan


def _published_settings(output: str) -> dict[str, JsonValue]:
    try:
        settings = json.loads(files.read_bytes(output))["settings"]
        if isinstance(settings, dict):
            return settings
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageError(
        f"--output {output}: got another program's file, expected a new one or that of "
        "the same evaluation; choose another name"
    )


def check_same(
    output: str, before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]
) -> None:
    """Refuses to mix two evaluations in one output.

    Raises:
        UsageError: names the first difference.
    """
    for name in dict.fromkeys((*now, *before)):
        if before.get(name) != now.get(name):
            raise UsageError(
                f"{name}: got {json.dumps(now.get(name))}, expected "
                f"{json.dumps(before.get(name))} as {output} has it; repeat it, or "
                "choose another --output"
            )


def _freeze(
    output: str,
    folder: Path,
    info: DatasetInfo,
    card: ModelCard,
    settings: dict[str, JsonValue],
    config: EvaluateConfig,
) -> EvaluatePlan:
    """Writes the plan unless another launch is faster."""
    part = matching_part(card, info, folder, config.split)
    void = {value for value in (info.void, config.void) if value is not None}
    names = tuple(info.classes or ()) if info.task == "segmentation" else ()
    if config.void is not None and config.void < len(names):
        raise UsageError(
            f"--void: got {config.void}, which is the class {names[config.void]}, "
            f"expected a label value from {len(names)} on"
        )
    try:
        bundle = scoring.find_bundle(config.model)
        leak = evaluate_leak.check(card, bundle, folder, info, config.split)
    except ModelError as error:
        raise UsageError(f"--model: {error}") from error
    if leak.why and not config.allow_leak:
        raise UsageError(f"--split: {leak.why}; choose another, or pass --allow_leak")
    chunks = _chunks(folder, info, config.split, config.chunk_size)
    plan = EvaluatePlan(
        plan_id="",
        settings=settings,
        task=info.task,
        class_names=names,
        class_ids=class_ids(part, names) if names else (),
        bins=tuple(part.rating_bins or ()),
        void=tuple(sorted(void)),
        leak=leak,
        chunks=chunks,
        planned=sum(chunk.records for chunk in chunks),
    )
    if plan.planned == 0:
        raise UsageError(
            f"--split: got {config.split} without a record, expected some; convert "
            "again, or choose another"
        )
    plan = plan.model_copy(update={"plan_id": _plan_id(plan.model_dump(mode="json"))})
    if not files.exists(output):
        files.check_writable(output.rpartition("/")[0])
        files.create_once(_plan_uri(output), plan.model_dump_json(indent=1).encode())
    return _find(output, settings) or plan


def _plan_uri(output: str) -> str:
    return files.join(beside(output, ".work"), "plan.json")


def _plan_id(content: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in content.items() if key != "plan_id"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _chunks(
    folder: Path, info: DatasetInfo, split: str, size: int
) -> tuple[Chunk, ...]:
    """Cuts a split's records, as many as its description promises."""
    chunks = []
    for shard in info.splits[split].files:
        starts = _starts(folder / shard.name, shard.records, size)
        chunks += [
            Chunk(
                shard=shard.name,
                first=first,
                records=min(size, shard.records - first),
                offset=offset,
            )
            for first, offset in zip(range(0, shard.records, size), starts, strict=True)
        ]
    return tuple(chunks)


def _starts(path: Path, records: int, size: int) -> list[int | None]:
    """Returns where each chunk of a shard begins; None behind a damaged length.

    Raises:
        UsageError: the shard is gone, or has more records than described.
    """
    starts: list[int | None] = [None] * -(-records // size)
    try:
        for number, offset in enumerate(tfrecord.frame_offsets(path)):
            if number >= records:
                raise UsageError(
                    f"{path}: got more than the {records} records that "
                    f"{dataset_info.INFO_NAME} tells of, expected those; convert again"
                )
            if number % size == 0:
                starts[number // size] = offset
    except OSError as error:
        raise UsageError(
            f"{path}: got {str(error.strerror).lower()}, expected a shard of the data "
            "set; copy the whole folder again"
        ) from error
    return starts
