"""The index of a plan: its items' keys, sorted, files apart by their first bits."""

from pathlib import Path

import numpy as np
import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score import drafts, index
from pipelines.score.keys import keys_of
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import freeze, photos


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_FILE_KEYS", 100)


def planned(out: Path, count: int) -> PlannedNight:
    return PlannedNight(str(out), freeze(out, photos(*range(count)))[0])


@pytest.mark.usefixtures("small_files")
def test_an_index_has_all_keys_in_order(tmp_path: Path) -> None:
    night = planned(tmp_path, 700)
    assert len(night.plan.index) == 8
    found = list(night.keys())
    assert np.array_equal(np.concatenate(found), np.sort(keys_of(photos(*range(700)))))
    for number, keys in enumerate(found):
        assert {key[0] >> 5 for key in keys.tolist()} == {number}


def test_a_small_plan_has_one_file(tmp_path: Path) -> None:
    night = planned(tmp_path, 3)
    (file,) = night.plan.index
    uri = files.join(night.folder.pieces, file.name)
    assert files.size(uri) == 48
    assert files.sha256(uri) == file.sha256
    assert file.name == f"keys-00000-{file.sha256[:16]}.bin"


@pytest.mark.usefixtures("small_files")
def test_an_index_is_made_again_from_the_items(tmp_path: Path) -> None:
    night = planned(tmp_path, 700)
    folder = night.folder.pieces
    names = [file.name for file in night.plan.index]
    before = [files.read_bytes(files.join(folder, name)) for name in names]
    for name in names:
        files.remove(files.join(folder, name))
    assert list(drafts.encode_index(night)) == before


def test_every_damage_of_an_index_is_noticed(tmp_path: Path) -> None:
    night = planned(tmp_path, 5)
    path = files.to_path(night.folder.pieces) / night.plan.index[0].name
    good = path.read_bytes()
    for position in range(0, len(good), 3):
        for damaged in (
            good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :],
            good[:position],
        ):
            path.write_bytes(damaged)
            with pytest.raises(SystemicFault, match=r"got other keys .* --mend"):
                freeze(tmp_path, photos(1), night="2026-11-21")
    path.unlink()
    with pytest.raises(SystemicFault, match=r"got nothing there, .* --mend"):
        freeze(tmp_path, photos(1), night="2026-11-21")
