"""Conflicts of packages are found as `pip check` finds them."""

import importlib.metadata
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.doctor import packages

Installed = dict[str, importlib.metadata.Distribution]


def _install(folder: Path, name: str, version: str, *requires: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += ["Provides-Extra: gcp"] if name == "fcn" else []
    lines += [f"Requires-Dist: {each}" for each in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    def here() -> list[importlib.metadata.Distribution]:
        return list(importlib.metadata.MetadataPathFinder.find_distributions(context))

    context = importlib.metadata.DistributionFinder.Context(path=[str(tmp_path)])
    monkeypatch.setattr(packages.metadata, "distributions", here)
    yield tmp_path


def test_what_fits_together_is_ok(site: Path) -> None:
    _install(site, "fcn", "1.0", "Left_Pad>=2", 'winreg; sys_platform == "win32"')
    _install(site, "left-pad", "2.1rc1")
    found = packages.check_packages()
    assert found.level == "ok"
    assert found.detail == "2 fit together: fcn 1.0"


def test_a_missing_and_an_old_package_of_ours_are_wrong(site: Path) -> None:
    _install(site, "fcn", "1.0", "numpy>=2,<3", "keras")
    _install(site, "numpy", "3.0", "absent")
    found = packages.check_packages()
    assert found.level == "wrong"
    assert "fcn requires numpy<3,>=2, got 3.0" in found.detail
    assert "fcn requires keras, which is missing" in found.detail
    assert "numpy requires absent, which is missing" in found.detail
    assert "pip install" in found.cure


def test_a_conflict_of_strangers_is_a_warning(site: Path) -> None:
    _install(site, "fcn", "1.0")
    _install(site, "stranger", "1.0", "absent")
    found = packages.check_packages()
    assert found.level == "warning"
    assert "stranger requires absent" in found.detail


def test_an_extra_need_not_be_there_but_fits_where_it_is(site: Path) -> None:
    _install(site, "fcn", "1.0", 'storage>=3; extra == "gcp"')
    assert packages.check_packages().level == "ok"
    _install(site, "storage", "2.0", "absent")
    found = packages.check_packages()
    assert found.level == "wrong"
    assert "absent" in found.detail
    assert "fcn requires storage>=3, got 2.0" in found.detail


def test_this_python_is_fine_and_another_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert packages.check_python().level == "ok"
    monkeypatch.setattr(platform, "python_version", lambda: "3.14.0")
    found = packages.check_python()
    assert found.level == "wrong"
    assert "3.14.0" in found.detail
