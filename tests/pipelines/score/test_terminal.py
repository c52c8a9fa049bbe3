"""What a person reads when a night is done."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.score import terminal
from pipelines.score.layout import NightFolder
from pipelines.score.summary import Summary

SUMMARY = Summary(
    run_date="2026-11-20",
    kind="score",
    verdict="success",
    why=None,
    planned=5,
    ok=4,
    failed=1,
    skipped=2,
    waiting=0,
    ignored=0,
    failures={"corrupt": 1},
    computed=5,
    seconds=3.2,
    images_per_second=12.345,
    engine="openvino",
    precision="f32",
    instruction_set="avx2",
    fingerprint="f" * 64,
    models=(),
    command="fcn score",
    output="out",
)


def folder_of(out: Path) -> NightFolder:
    return NightFolder(str(out), SUMMARY.run_date)


def write_scores(out: Path, *files: list[float | None]) -> None:
    folder = out / "scores" / "run_date=2026-11-20"
    folder.mkdir(parents=True)
    for number, means in enumerate(files):
        column = pa.array(means, pa.float32())
        ratings = {"aesthetics_mean": column, "technical_mean": pc.add(column, 1)}
        table = pa.table({**ratings, "other": column})
        pq.write_table(table, folder / f"scores-{number}.parquet")
    (folder / "_SUCCESS").touch()


def test_a_sparkline_is_a_histogram() -> None:
    assert terminal.sparkline([1, 2, 3, 4], bins=4) == "████"
    assert terminal.sparkline([1, 1, 1, 1, 10], bins=3) == "█ ▃"
    assert terminal.sparkline([0, 0, 0, 0, 0.5, 0.5, 1], bins=3) == "█▅▃"


def test_a_sparkline_of_equal_values() -> None:
    assert terminal.sparkline([5.0] * 9, bins=4) == "█   "
    assert terminal.sparkline([5.0]) == "█" + " " * 11


def test_the_highest_value_is_in_the_last_bin() -> None:
    line = terminal.sparkline([n / 100 for n in range(101)])
    assert len(line) == 12
    assert " " not in line


def test_a_rare_value_still_shows() -> None:
    assert terminal.sparkline([1.0] * 1000 + [2.0], bins=2) == "█▁"


def test_the_lines_tell_counts_reasons_scores_and_where(tmp_path: Path) -> None:
    write_scores(tmp_path, [2.0, None, 4.0], [6.0, 8.0])
    lines = terminal.closing_lines(folder_of(tmp_path), SUMMARY)
    assert lines[0] == ("5 planned  4 ok  1 failed  2 skipped  12.3 images/s  3 s")
    assert lines[1] == "failed: corrupt 1"
    assert lines[2].startswith("aesthetics  2.0..8.0  mean 5.0  ")
    assert lines[3].startswith("technical   3.0..9.0  mean 6.0  ")
    assert lines[4].endswith("scores/run_date=2026-11-20")
    assert lines[5].endswith("report/run_date=2026-11-20/index.html")


def test_a_night_that_scored_nothing_has_no_rate_and_no_scores(tmp_path: Path) -> None:
    nothing = {"planned": 0, "ok": 0, "failed": 0, "computed": 0, "failures": {}}
    lines = terminal.closing_lines(
        folder_of(tmp_path), SUMMARY.model_copy(update={**nothing, "skipped": 5})
    )
    assert lines[0] == "0 planned  0 ok  0 failed  5 skipped"
    assert [line.split()[0] for line in lines[1:]] == ["table", "page"]


def test_masks_without_ratings_have_no_scores_line(tmp_path: Path) -> None:
    write_scores(tmp_path, [None, None])
    lines = terminal.closing_lines(
        folder_of(tmp_path), SUMMARY.model_copy(update={"failures": {}})
    )
    assert not any(line.startswith("scores ") for line in lines)
