"""Beam's flags: which are known, and which nobody knows."""

import os
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.faults import UsageError
from pipelines.runners import flags

OURS = ["--input", "--output", "--chunk_size", "--max_side"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--runner=DirectRunner"],
        ["--direct_num_workers", "2", "--job_name", "x"],
        ["--experiments=a", "--experiments", "b"],
        ["--save_main_session"],
    ],
)
def test_beams_flags_are_known(words: list[str]) -> None:
    flags.check_flags(words, ours=OURS)


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("--chunk-size=3", "--chunk_size"),
        ("--imput", "--input"),
        ("--max_sid=7", "--max_side"),
        ("--direct_num_worker=2", "--direct_num_workers"),
        ("--runer=x", "--runner"),
    ],
)
def test_an_unknown_flag_names_the_nearest(word: str, nearest: str) -> None:
    with pytest.raises(UsageError) as caught:
        flags.check_flags([word], ours=OURS)
    flag = word.partition("=")[0]
    assert str(caught.value).startswith(f"{flag}: got an unknown flag")
    assert str(caught.value).endswith(f"did you mean {nearest}?")


def test_a_flag_like_no_other_points_to_help() -> None:
    with pytest.raises(UsageError, match="see --help"):
        flags.check_flags(["--zzzzqqqq"], ours=OURS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["b.jpg"], "b.jpg"),
        (["--job_name=x", "c.jpg"], "c.jpg"),
        (["--direct_num_workers=many"], "direct_num_workers"),
    ],
)
def test_stray_words_and_wrong_values_are_one_line(
    words: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        flags.check_flags(words, ours=OURS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--chunk_sise", "3"], "did you mean --chunk_size?"),
        (["--runner=DaskRunner"], "got DaskRunner, which loses data"),
        (["another.jpg"], "got another.jpg"),  # a pattern that the shell spread out
    ],
)
def test_a_command_refuses_them_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    out = tmp_path / "out"
    # A stray word stands behind the value of the first flag.
    code = main.main(
        ["score", "--input", os.fspath(tmp_path), *words, "--output", os.fspath(out)]
    )
    captured = capsys.readouterr()
    assert code == 2
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not out.exists()
