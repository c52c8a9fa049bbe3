"""Conversions of a drawn VOC tree, run and planned for tests."""

from pathlib import Path

from pipelines.cli import main
from pipelines.convert import worker as convert_worker
from pipelines.convert.config import ConvertVocConfig
from pipelines.convert.drafts.draft import drafted
from pipelines.convert.drafts.pascal import draft_voc
from pipelines.convert.plan import plan_conversion

TRAIN, VAL = 9, 4


def run(tree: Path, out: Path, *flags: str) -> int:
    words = ["convert", "voc", "--input", str(tree), "--output", str(out), "--json"]
    return main.main([*words, "--lanes", "1", *flags])


def planned(
    tree: Path, out: Path, *, num_shards: int | None = None
) -> convert_worker.ConvertWorker:
    config = ConvertVocConfig(input=str(tree), output=str(out))
    draft = drafted(draft_voc, config)
    conversion = plan_conversion(
        draft, str(out), num_shards=num_shards, allow_leak=False
    )
    assert conversion is not None
    worker = convert_worker.job(conversion, lanes=1, max_error_rate=1).worker
    assert isinstance(worker, convert_worker.ConvertWorker)
    return worker
