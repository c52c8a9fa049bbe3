"""Where fetched folders are kept, and what is said where they cannot be."""

from pathlib import Path

import pytest

from pipelines import files
from pipelines.faults import UsageError
from tests.doubles.gcs import Bucket


def _nobody() -> Path:
    raise RuntimeError("Could not determine home directory.")


@pytest.fixture
def model(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder in a bucket, and a user without a home directory."""
    bucket.put("model/card.json", b"{}")
    for name in ("FCN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", _nobody)
    return bucket.uri("model")


@pytest.mark.parametrize("name", ["FCN_CACHE", "XDG_CACHE_HOME"])
def test_a_named_folder_needs_no_home(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "kept"))
    fetched = files.fetch_folder(model)
    assert fetched.is_relative_to(tmp_path / "kept")
    assert (fetched / "card.json").read_bytes() == b"{}"


def test_without_a_home_a_folder_has_to_be_named(model: str) -> None:
    with pytest.raises(UsageError, match=r"FCN_CACHE: got none .*home.*; set it to"):
        files.fetch_folder(model)


def test_a_folder_that_cannot_be_made_is_named(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FCN_CACHE", str(tmp_path / "file" / "kept"))
    with pytest.raises(UsageError, match=r"FCN_CACHE: got /.*/file/kept"):
        files.fetch_folder(model)
