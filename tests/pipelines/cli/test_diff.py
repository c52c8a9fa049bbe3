"""`fcn diff`: a night scored again at another size, against the first."""

import json
from pathlib import Path

import pytest

from tests.runs import score_runs
from tests.runs.score_runs import LATER, NIGHT, fcn

pytestmark = pytest.mark.usefixtures("warm_lanes")

FLAGS = ("--lanes=1", "--model", "voc21")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rescored")
    score_runs.add_photos(root / "photos", 3)
    score_runs.scored(root / "photos", root / "out", *FLAGS)
    (root / "photos/photo-000.jpg").unlink()
    score_runs.add_photos(root / "photos", 1, first=9)
    again = (*FLAGS, "--rescore", "--max_side=96")
    score_runs.scored(root / "photos", root / "out", *again, night=LATER[0])
    return root / "out"


def test_two_nights(out: Path) -> None:
    ended = fcn("diff", out, "--run_date", NIGHT, LATER[0], "--json")
    assert ended.code == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert (found["both"], found["only_before"], found["only_after"]) == (2, 1, 1)
    assert found["before"]["fingerprint"] != found["after"]["fingerprint"]
    page = out / f"report/run_date={LATER[0]}/diff-{NIGHT}.html"
    assert found["page"] == page.as_posix()
    assert page.read_text().rstrip().endswith("</html>")
    ended = fcn("diff", out, "--run_date", NIGHT, LATER[0], "--page", out / "d.html")
    assert ended.stdout.splitlines()[0] == (
        f"2 in both  1 only in {NIGHT}  1 only in {LATER[0]}  0 replaced"
    )
    assert (out / "d.html").exists()


@pytest.mark.parametrize(
    ("nights", "text"),
    [
        ((NIGHT,), "expected two nights such as"),
        ((NIGHT, NIGHT), "expected two nights such as"),
        ((NIGHT, "2020-01-01"), "expected a night of this output"),
    ],
)
def test_wrong_nights_are_2(out: Path, nights: tuple[str, ...], text: str) -> None:
    ended = fcn("diff", out, "--run_date", *nights)
    assert ended.code == 2
    assert text in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
