"""A mistyped name is answered with the one that was meant."""

import pytest

from fcn_core.nearest import did_you_mean, nearest

FLAGS = ["--chunk_size", "--direct-num-workers", "--output"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--chunk-size", "--chunk_size"),
        ("--direct_num_worker", "--direct-num-workers"),
        ("--ouput", "--output"),
        ("--qqqq", None),
    ],
)
def test_the_nearest_name_whatever_its_dashes(typed: str, meant: str | None) -> None:
    assert nearest(typed, FLAGS) == meant


def test_the_cure_names_it_or_says_what_else_to_do() -> None:
    assert did_you_mean("voc12", ["voc21"], otherwise="") == "did you mean voc21?"
    assert did_you_mean("x", ["voc21"], otherwise="see --help") == "see --help"
    assert nearest("voc", ["voc21-imagenet"]) is None
    assert nearest("voc", ["voc21-imagenet"], cutoff=0.2) == "voc21-imagenet"
