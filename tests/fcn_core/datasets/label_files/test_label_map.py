"""Label maps: what values and colours of a user's masks mean."""

import json

import pytest

from fcn_core.datasets.bad_record import ListError
from fcn_core.datasets.label_files.label_map import LabelMap, parse_label_map
from fcn_core.labels import VOID
from tests.drawn.tiny_masks import COLOURS, YAML


def test_a_label_map_in_yaml_and_in_json() -> None:
    parsed = parse_label_map(YAML, name="map.yaml")
    assert parsed.names == ("ground", "road", "car") and parsed.void == 255
    assert parsed.values == {0: 0, 1: 1, 2: 2, 255: 255}
    assert dict(parsed.colours) == {rgb: value for value, rgb in COLOURS.items()}
    as_json = json.dumps(
        {
            "classes": {"0": "ground", "1": "road", "2": "car"},
            "colors": {"ground": [10, 20, 30], "road": [255, 0, 0]},
        }
    )
    parsed = parse_label_map(as_json.encode(), name="map.json")
    assert parsed.names == ("ground", "road", "car")
    assert LabelMap.model_validate(parsed.model_dump(mode="json")) == parsed


def test_the_label_map_of_a_converted_data_set_is_one() -> None:
    ours = {"classes": {"0": "background", "1": "cat"}, "void": 255}
    parsed = parse_label_map(json.dumps(ours).encode(), name="label_map.json")
    assert (parsed.names, parsed.values) == (
        ("background", "cat"),
        {0: 0, 1: 1, 255: 255},
    )


@pytest.mark.parametrize(
    ("written", "names", "void", "values"),
    [
        ("{classes: [a, b], void: 9}", ("a", "b"), 9, {0: 0, 1: 1, 9: 9}),
        ("{classes: [a, b], void: null}", ("a", "b"), 255, {0: 0, 1: 1}),
        (
            "{classes: {7: a, 11: b}, void: 0}",
            ("a", "b"),
            255,
            {7: 0, 11: 1, 0: 255},
        ),
        ("{classes: {0: a, 1: b, 2: v}, void: 2}", ("a", "b"), 2, {0: 0, 1: 1, 2: 2}),
        (
            "{classes: {0: v, 1: a, 2: b}, void: 0}",
            ("a", "b"),
            255,
            {1: 0, 2: 1, 0: 255},
        ),
    ],
)
def test_ids_are_consecutive_and_values_stay_where_they_can(
    written: str, names: tuple[str, ...], void: int, values: dict[int, int]
) -> None:
    parsed = parse_label_map(written.encode(), name="x.yml")
    assert (parsed.names, parsed.void, parsed.values) == (names, void, values)


@pytest.mark.parametrize(
    "written",
    [
        "classes: []",
        "classes: [a, a]",
        "[a, b]",
        "classes: {300: a}",
        "{classes: [a], void: -1}",
        "{classes: [a], colours: {b: [1, 2, 3]}}",
        "{classes: [a, b], colours: {a: [1, 2, 3], b: [1, 2, 3]}}",
        "{classes: [a], colours: {a: red}}",
        "{classes: [a], typo: 1}",
        "{classes: [a",
        "!!python/object/apply:os.system ['true']",
    ],
)
def test_label_maps_that_mean_nothing_are_refused(written: str) -> None:
    with pytest.raises(ListError, match=r"x\.yaml.*expected"):
        parse_label_map(written.encode(), name="x.yaml")


def test_a_class_named_for_255_is_a_class() -> None:
    content: dict[str, object] = {"classes": {"0": "background", "255": "object"}}
    found = parse_label_map(json.dumps(content).encode(), name="map.json")
    assert found.names == ("background", "object")
    assert found.values == {0: 0, 255: 1}
    assert found.void == VOID


@pytest.mark.parametrize(
    "content",
    [
        {"classes": {"0": "a", "1": "b", "255": "Ignore"}},
        {"classes": {"0": "a", "1": "b", "255": "object"}, "void": 255},
    ],
)
def test_a_value_that_is_named_void_is_no_class(
    content: dict[str, object],
) -> None:
    found = parse_label_map(json.dumps(content).encode(), name="map.json")
    assert found.names == ("a", "b")
    assert found.values == {0: 0, 1: 1, 255: VOID}
