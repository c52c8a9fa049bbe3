"""Launches that plan at once: one plan a night, and no item in two of them."""

import multiprocessing
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.score import drafts, sequence
from pipelines.score.layout import NightFolder
from pipelines.score.photos import Photos
from pipelines.score.plan import Draft, Plan
from tests.drawn.night_plans import (
    NIGHT,
    draft,
    freeze,
    new_photos,
    photos,
    uris_of,
)
from tests.runs.trees import everything


def freeze_at_once(
    out: str, night: str, numbers: range, ready: "multiprocessing.synchronize.Barrier"
) -> None:
    ready.wait()
    freeze(out, photos(*numbers), night=night)


def test_processes_that_race_for_one_night_share_one_plan(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ready = context.Barrier(3)
    racers = [
        context.Process(
            target=freeze_at_once,
            # Two listings: a photo arrives while they are started.
            args=(str(tmp_path), "2026-11-20", range(30 + number % 2), ready),
        )
        for number in range(3)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0] * 3
    (frozen,) = sequence.read_all(str(tmp_path))
    assert len(uris_of(tmp_path, frozen)) in (30, 31)
    pieces = [name for name in everything(tmp_path) if name.endswith(".parquet")]
    assert len(pieces) == 1  # the losers' drafts are gone


def test_threads_that_race_for_many_nights_never_share_an_item(tmp_path: Path) -> None:
    nights = [f"2026-11-{day}" for day in (20, 21, 22, 23)] * 2
    barrier = threading.Barrier(len(nights))
    faults: list[BaseException] = []

    def race(night: str) -> None:
        barrier.wait()
        try:
            freeze(tmp_path, photos(*range(40 + 10 * int(night[-1]))), night=night)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=race, args=(night,)) for night in nights]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    frozen = sequence.read_all(str(tmp_path))
    assert [each.sequence for each in frozen] == [1, 2, 3, 4]
    assert {each.run_date for each in frozen} == set(nights)
    planned = [uri for each in frozen for uri in uris_of(tmp_path, each)]
    assert sorted(planned) == photos(*range(70))["image_uri"].to_pylist()


def test_who_decided_too_early_decides_again(tmp_path: Path) -> None:
    """Another launch freezes both nights while this one still decides."""
    asked = []

    def decide(earlier: Sequence[Plan]) -> Draft:
        asked.append([each.run_date for each in earlier])
        if len(asked) == 1:
            freeze(tmp_path, photos(1, 2), night="2026-11-19")
        if len(asked) == 2:
            freeze(tmp_path, photos(1, 2, 3), night="2026-11-20")
        return draft(new_photos(tmp_path, photos(1, 2, 3), earlier))

    frozen, is_new = sequence.freeze(NightFolder(str(tmp_path), NIGHT), decide)
    assert asked == [[], ["2026-11-19"]]
    assert not is_new
    assert uris_of(tmp_path, frozen) == ["/photos/000003.jpg"]
    assert [each.run_date for each in sequence.read_all(str(tmp_path))] == [
        "2026-11-19",
        "2026-11-20",
    ]


def test_a_loser_leaves_the_pieces_that_another_launch_is_about_to_freeze(
    tmp_path: Path,
) -> None:
    """Two launches of one night draft alike; a third takes their number."""
    calls: list[str] = []

    def slow(earlier: Sequence[Plan]) -> Draft:
        calls.append("slow")
        if len(calls) == 1:
            freeze(tmp_path, photos(9), night="2026-11-19")  # takes number 1
        return draft(Photos([photos(1, 2)]))

    def fast(earlier: Sequence[Plan]) -> Draft:
        if not calls:
            sequence.freeze(NightFolder(str(tmp_path), NIGHT), slow)
        return draft(Photos([photos(1, 2)]))

    frozen, _ = sequence.freeze(NightFolder(str(tmp_path), NIGHT), fast)
    assert uris_of(tmp_path, frozen) == ["/photos/000001.jpg", "/photos/000002.jpg"]


def test_who_is_swept_while_it_drafts_decides_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another launch of this night lost the number, too, and swept its folder."""
    write = drafts.index.write

    def swept(folder: str, *arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(drafts.index, "write", write)
        freeze(tmp_path, photos(9), night="2026-11-19")  # takes number 1
        files.remove_folder(folder.rpartition("/")[0])
        raise FileNotFoundError(2, "No such file or directory", folder)

    monkeypatch.setattr(drafts.index, "write", swept)
    frozen, _ = freeze(tmp_path, photos(1, 2, 9))
    assert frozen.sequence == 2
    assert uris_of(tmp_path, frozen) == ["/photos/000001.jpg", "/photos/000002.jpg"]
    folders = {name.split("/")[2] for name in everything(tmp_path) if NIGHT in name}
    assert folders == {"00000002"}


def test_a_folder_that_nobody_swept_and_is_gone_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(folder: str, *arguments: Any, **options: Any) -> Any:
        raise FileNotFoundError(2, "No such file or directory", folder)

    monkeypatch.setattr(drafts.index, "write", gone)
    with pytest.raises(FileNotFoundError):
        freeze(tmp_path, photos(1, 2))
