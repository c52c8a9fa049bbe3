"""A folder of photos and a CSV of ratings are measured like the records of both."""

import json
from pathlib import Path

import pytest

from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.plan import Evaluation, plan_evaluation
from pipelines.faults import UsageError
from tests.drawn import tiny_models
from tests.runs import evaluate_runs, score_runs

pytestmark = pytest.mark.usefixtures("warm_lanes")

MEANS = {"a": 4.5, "b": 6.25, "c": 3.0, "d": 7.75, "e": 5.5, "f": 5.0}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "below").mkdir()
    for number, name in enumerate(MEANS):
        place = folder / "below" if name == "c" else folder
        photo = tiny_models.draw_photo(40 + number, 52, seed=number)
        (place / f"{name}.jpg").write_bytes(photo)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    from fcn_core.export.bundle import export

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("bundle") / "model"
    card = tiny_models.draw_card(
        task="aesthetics", rating_bins=[float(rating) for rating in range(1, 11)]
    )
    export(tiny_models.draw_network(channels=10), folder, card)
    return folder


def write_table(folder: Path, *more: str) -> Path:
    lines = ["image,mean", *(f"{name}.jpg,{mean}" for name, mean in MEANS.items())]
    lines[3] = "below/c.jpg,3.0"
    table = folder / "scores.csv"
    table.write_text("\n".join([*lines, *more]) + "\n")
    return table


def plan(
    model: Path, photos: Path, table: Path, output: Path, *more: str
) -> Evaluation:
    words = ["--model", str(model), "--data", str(photos), "--targets", str(table)]
    config, _ = EvaluateConfig.parse([*words, "--output", str(output), *more])
    return plan_evaluation(config)


def test_a_table_gives_the_figures_of_its_records(
    bundle: Path, photos: Path, tmp_path: Path
) -> None:
    table = write_table(tmp_path)
    evaluation = plan(bundle, photos, table, tmp_path / "t.json", "--chunk_size", "16")
    figures = evaluate_runs.run(evaluation)
    ended = score_runs.fcn(
        *("convert", "folder", "--input", photos, "--targets", table),
        *("--split", "val:1.0", "--output", tmp_path / "data"),
    )
    assert ended.code == 0, ended.stderr
    records = evaluate_runs.plan(bundle, tmp_path / "data", tmp_path / "r.json")
    expected = evaluate_runs.run(records)
    for name in ("images", "srcc_mean", "lcc_mean", "intervals", "accuracy"):
        assert figures[name] == expected[name], name
    # Records keep means as float32.
    assert figures["mae_mean"] == pytest.approx(expected["mae_mean"], rel=1e-6)
    assert figures["split"] == "all"
    assert figures["settings"]["targets"] == "scores.csv"
    low, high = figures["intervals"]["srcc_mean"]
    assert low <= figures["srcc_mean"] <= high
    assert figures["with_votes"] == 0
    assert figures["emd_r1"] is None


def test_rows_that_cannot_be_used_are_counted(
    bundle: Path, photos: Path, tmp_path: Path
) -> None:
    table = write_table(tmp_path, "gone.jpg,5", "a.jpg,4", "b2.jpg,eleven")
    evaluation = plan(bundle, photos, table, tmp_path / "t.json")
    figures = evaluate_runs.run(evaluation)
    assert (figures["planned"], figures["images"]) == (9, 6)
    assert figures["failures"] == {"corrupt": 1, "vanished": 2}


def test_the_command_prints_intervals_and_is_repeatable(
    bundle: Path, photos: Path, tmp_path: Path
) -> None:
    table, output = write_table(tmp_path), tmp_path / "out.json"
    words: list[str | Path] = ["evaluate", "--model", bundle, "--data", photos]
    words += ["--targets", table]
    words += ["--output", output, "--lanes", "1", "--precision", "f32"]
    ended = score_runs.fcn(*words)
    assert ended.code == 0, ended.stderr
    assert "SRCC of means" in ended.stdout
    assert "95% interval" in ended.stdout
    figures = json.loads(output.read_text())
    low, high = figures["intervals"]["lcc_mean"]
    assert f"{low:.3f} to {high:.3f}" in ended.stdout
    assert f"{low:.3f} to {high:.3f}" in (tmp_path / "out.html").read_text()
    again = score_runs.fcn(*words, "--json")
    assert json.loads(again.stdout) == figures
    table.write_text(table.read_text().replace("4.5", "4.75"))
    changed = score_runs.fcn(*words)
    assert changed.code == 2
    assert "data_fingerprint" in changed.stderr


def test_a_split_and_a_table_exclude_each_other(photos: Path, tmp_path: Path) -> None:
    words = ["--model", "quality", "--data", str(photos), "--output", "x.json"]
    with pytest.raises(UsageError, match="--split: got none, expected the split"):
        EvaluateConfig.parse(words)
    with pytest.raises(UsageError, match="--split: got val with --targets"):
        EvaluateConfig.parse([*words, "--split", "val", "--targets", "t.csv"])
    with pytest.raises(UsageError, match=r"--targets .*: got no file there"):
        plan(Path("quality"), photos, tmp_path / "no.csv", tmp_path / "x.json")
    table = tmp_path / "odd.csv"
    table.write_text("photo,beauty\na.jpg,5\n")
    with pytest.raises(UsageError, match="expected image and either mean or votes"):
        plan(Path("quality"), photos, table, tmp_path / "x.json")
