"""Tables are the same whatever they are piped into, and cells are only text."""

import pytest

from pipelines.cli.table import print_table


def test_a_piped_table_is_never_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    rows = [("cat", "1,234", "a long text " * 30 + "end"), ("tvmonitor", "5", "")]
    print_table(("name", "count", "detail"), rows, numbers=["count"])
    assert capsys.readouterr().out.splitlines() == [
        "name       count  detail",
        "cat        1,234  " + "a long text " * 30 + "end",
        "tvmonitor      5",
    ]


def test_cells_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["[red]cat[/red]", ":dog:", "1234"]
    print_table(("name",), [(name,) for name in names])
    assert capsys.readouterr().out.splitlines() == ["name", *names]
