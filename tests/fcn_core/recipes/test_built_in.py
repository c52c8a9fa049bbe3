"""The shipped `voc21` is what its recipe makes of a public file."""

from collections.abc import Mapping

import pytest

from fcn_core.bundles import find
from fcn_core.bundles.card import ModelCard
from fcn_core.recipes import RECIPES
from fcn_core.recipes.recipe import Recipe

PUBLIC = (
    "deeplabv3_mnv2_pascal_quant.tflite "
    "sha256:350af47fd346ea6d74b58833a351f583ba860e9806ec5bd292ff8d8f1f249398"
)


def made_as_it_is(model: str) -> tuple[ModelCard, Recipe, Mapping[str, object]]:
    """A built-in model's card, its recipe, and numbers that agree in both."""
    card, recipe = find.card_of(model), RECIPES[model]
    numbers = card.training["numbers"]
    assert isinstance(numbers, dict)
    for name, value in numbers.items():
        made = getattr(recipe, name)
        assert value == (list(made) if isinstance(made, tuple) else made), name
    return card, recipe, numbers


def test_voc21_was_made_by_the_recipe_as_it_is() -> None:
    card, recipe, numbers = made_as_it_is("voc21")
    assert {"teacher_scales", "rates", "crop", "max_side"} <= numbers.keys()
    assert card.training["epochs"] == recipe.epochs


def test_voc21_works_at_the_size_of_photos() -> None:
    card = find.card_of("voc21")
    assert (card.version, card.max_side, card.enlarge) == ("4", 512, 1.0)


def test_voc21_started_from_a_public_file() -> None:
    card = find.card_of("voc21")
    assert card.training["init"] == PUBLIC
    assert card.origin.startswith(f"Started from {PUBLIC.split()[0]}, DeepLab-v3 ")
    assert f"--init {PUBLIC.split()[0]} " in str(card.training["command"])


def test_voc21_s_figures_name_data_and_split() -> None:
    card = find.card_of("voc21")
    data = f"voc {str(card.training['data_fingerprint'])[:12]}"
    found = {(m.data, m.split, m.images) for m in card.metrics}
    assert found == {(data, "val", 100)}
    figures = {m.name: m.value for m in card.metrics}
    classes = [v for n, v in figures.items() if n.startswith("iou_")]
    assert figures["miou"] == pytest.approx(sum(classes) / 21, abs=1e-9)


def test_quality_was_made_by_the_recipe_as_it_is() -> None:
    card, recipe, _ = made_as_it_is("quality")
    assert card.training["model"] == recipe.model.to_json()
    assert (card.version, card.logits_stride, card.size_multiple) == ("4", 32, 128)


def test_quality_goes_on_from_the_network_of_whole_photos() -> None:
    whole, sampled = RECIPES["quality-whole"].model, RECIPES["quality"].model
    assert (whole.name, sampled.name) == ("rating", "rating_sampled")
    assert RECIPES["quality"].is_technical
    assert find.card_of("quality").origin.startswith("Started from quality@3, whose")
