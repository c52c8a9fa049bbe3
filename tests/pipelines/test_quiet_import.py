"""Modules that write while they are imported."""

import os
import sys
from pathlib import Path

import pytest

from pipelines.quiet_import import import_quietly


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_written_is_shown_only_if_the_import_fails(
    fails: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    name = f"noisy_{fails}".lower()
    last = "raise ImportError('no such library')" if fails else ""
    (tmp_path / f"{name}.py").write_text(f"import os\nos.write(2, b'noise')\n{last}")
    monkeypatch.syspath_prepend(tmp_path)
    if fails:
        with pytest.raises(ImportError, match="no such library"):
            import_quietly(name)
    else:
        import_quietly(name)
        assert name in sys.modules
    os.write(2, b", and after")
    assert capfd.readouterr().err == ("noise, and after" if fails else ", and after")
