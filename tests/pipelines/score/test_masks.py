"""Masks: one PNG a photo or one tar a chunk, found again by a row's path."""

import os
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fcn_core import images
from pipelines import files
from pipelines.score import masks
from pipelines.score.layout import PlanFolder

NIGHT = "2026-11-20"


def png(number: int) -> bytes:
    return images.encode_mask(np.full((5, 7), number, np.uint8))


KEYS = [f"photo_{number}-{number:020x}" for number in (3, 1, 2)]
PNGS = {key: png(number) for number, key in enumerate(KEYS)}


def write(layout: str, out: Path, pngs: dict[str, bytes]) -> dict[str, str]:
    folder = PlanFolder(str(out), NIGHT, 7)
    files.make_folder(folder.masks)  # as the plan does
    chunk = masks.open_chunk(folder, 42, layout=layout)
    for key, data in pngs.items():
        chunk.add(key, data)
    return dict(chunk.finish())


def files_below(root: Path) -> list[str]:
    return sorted(
        os.fspath(path.relative_to(root)) for path in root.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize("layout", ["png", "tar"])
def test_a_mask_is_found_by_its_path(tmp_path: Path, layout: str) -> None:
    paths = write(layout, tmp_path, PNGS)
    assert set(paths) == set(KEYS)
    assert {key: masks.read(str(tmp_path), path) for key, path in paths.items()} == PNGS


def test_pngs_lie_in_a_folder_a_chunk(tmp_path: Path) -> None:
    paths = write("png", tmp_path, PNGS)
    folder = f"masks/run_date={NIGHT}/00000007/chunk-00000042"
    assert paths == {key: f"{folder}/{key}.png" for key in KEYS}
    assert files_below(tmp_path) == sorted(paths.values())


def test_a_tar_is_named_by_its_hash_and_sorted(tmp_path: Path) -> None:
    paths = write("tar", tmp_path, PNGS)
    (name,) = files_below(tmp_path)
    assert re.fullmatch(
        rf"masks/run_date={NIGHT}/00000007/chunk-00000042-[0-9a-f]{{64}}\.tar", name
    )
    assert paths == {key: f"{name}#{key}.png" for key in KEYS}
    with tarfile.open(tmp_path / name) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(f"{key}.png" for key in KEYS)
    assert {(m.mtime, m.uid, m.uname, m.mode) for m in members} == {(0, 0, "", 0o644)}


@pytest.mark.parametrize("layout", ["png", "tar"])
def test_the_order_of_the_photos_does_not_matter(tmp_path: Path, layout: str) -> None:
    write(layout, tmp_path / "a", PNGS)
    write(layout, tmp_path / "b", dict(sorted(PNGS.items())))
    names = files_below(tmp_path / "a")
    assert names == files_below(tmp_path / "b")
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (
            tmp_path / "b" / name
        ).read_bytes()


def test_two_attempts_with_other_masks_do_not_share_a_tar(tmp_path: Path) -> None:
    first = write("tar", tmp_path, PNGS)
    second = write("tar", tmp_path, {**PNGS, KEYS[0]: png(9)})
    assert masks.read(str(tmp_path), first[KEYS[0]]) == PNGS[KEYS[0]]
    assert masks.read(str(tmp_path), second[KEYS[0]]) == png(9)


@pytest.mark.parametrize("layout", ["png", "tar", "none"])
def test_a_chunk_without_masks_leaves_nothing(tmp_path: Path, layout: str) -> None:
    assert write(layout, tmp_path, {}) == {}
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("layout", ["png", "tar"])
def test_a_mask_that_is_gone(tmp_path: Path, layout: str) -> None:
    path = write(layout, tmp_path, PNGS)[KEYS[0]]
    other = path.replace(KEYS[0], "another")
    with pytest.raises(FileNotFoundError):
        masks.read(str(tmp_path), other)
    (tmp_path / path.partition("#")[0]).unlink()
    with pytest.raises(FileNotFoundError):
        masks.read(str(tmp_path), path)


@pytest.mark.parametrize("layout", ["png", "tar"])
def test_their_size_tells_masks_that_are_gone_or_cut(
    tmp_path: Path, layout: str
) -> None:
    paths = write(layout, tmp_path, PNGS)
    names = files_below(tmp_path)
    whole = masks.total_bytes(str(tmp_path), paths.values())
    assert whole == sum((tmp_path / name).stat().st_size for name in names)
    path = tmp_path / names[0]
    for damage in (b"", path.read_bytes()[:-1]):
        path.write_bytes(damage)
        assert masks.total_bytes(str(tmp_path), paths.values()) < whole
    path.unlink()
    assert masks.total_bytes(str(tmp_path), paths.values()) < whole


@pytest.mark.parametrize("layout", ["png", "tar"])
def test_they_do_not_make_their_folder_again(tmp_path: Path, layout: str) -> None:
    folder = PlanFolder(str(tmp_path), NIGHT, 7)
    chunk = masks.open_chunk(folder, 42, layout=layout)
    with pytest.raises(FileNotFoundError):
        chunk.add("late", png(0))
        chunk.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_mask_that_vanished_before_the_part_is_noticed(tmp_path: Path) -> None:
    folder = PlanFolder(str(tmp_path), NIGHT, 7)
    files.make_folder(folder.masks)
    chunk = masks.open_chunk(folder, 42, layout="png")
    for key, data in PNGS.items():
        chunk.add(key, data)
    (tmp_path / files_below(tmp_path)[1]).write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="masks vanished"):
        chunk.finish()


@pytest.mark.parametrize("layout", ["png", "tar"])
def test_what_a_mend_lays_out_is_what_an_attempt_writes(
    tmp_path: Path, layout: str
) -> None:
    paths = write(layout, tmp_path, PNGS)
    folder = PlanFolder(str(tmp_path), NIGHT, 7)
    laid_out, contents = masks.lay_out(folder, 42, layout=layout, pngs=PNGS)
    assert laid_out == paths
    assert contents == {
        name: (tmp_path / name).read_bytes() for name in files_below(tmp_path)
    }
