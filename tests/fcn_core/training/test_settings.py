"""What decides a run's numbers."""

from pathlib import Path

from fcn_core.models.build import build
from fcn_core.training.start import plan_run
from tests.drawn import tiny_recipes


def test_ratings_have_no_classes_whatever_the_photos_are_of(
    data: Path, tmp_path: Path
) -> None:
    """Or the last layer of a bundle of ratings would be left out as another one's."""
    asked = {"recipe": "quality", "task": "aesthetics", "init": "quality"}
    words = {**asked, "evaluation_split": None, "allow_leak": True}
    plan = plan_run(tiny_recipes.config(data, tmp_path / "run", **words))
    assert plan.splits.training.info.classes
    assert plan.settings.classes is None
    spec = plan.stages[-1].spec
    report = plan.initial.load(build(spec), spec, plan.settings.classes)
    assert "head_score" in report.loaded
    assert not report.new
