"""A spec refuses what does not exist, and survives its JSON."""

import dataclasses
from typing import Any

import pytest

from fcn_core.models.build import build_model
from fcn_core.models.spec import ModelSpec
from tests.drawn.tiny_networks import small_spec


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "fcn4s"}, "expected one of fcn8s, fcn16s, fcn32s"),
        ({"backbone": "vgg61"}, "expected one of vgg16, vgg19, mobilenet_v2"),
        ({"classes": 0}, "at least 1"),
        ({"output_stride": 8}, "expected one of"),
        ({"task": "segment"}, "expected one of segmentation, aesthetics"),
        ({"upsampling": "cubic"}, "expected one of bilinear, transposed, learnable"),
        ({"geometry": "wide"}, "expected one of same, caffe, valid"),
        ({"width": 0}, "expected above 0"),
        ({"colour": "red"}, "got unknown colour, expected only task, name"),
        ({"name": "fcn32s", "output_stride": 16}, "use a larger one"),
        ({"task": "aesthetics"}, "expected one of rating"),
    ],
)
def test_wrong_names_say_what_exists(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_model(**({"backbone": "mobilenet_v2"} | options))


def test_spec_survives_json() -> None:
    spec = small_spec()
    assert ModelSpec.from_json(spec.to_json()) == spec
    with pytest.raises(ValueError, match=r"unknown \['depth'\]"):
        ModelSpec.from_json(spec.to_json() | {"depth": 3})
    assert "affinity" not in spec.to_json()
    with_edges = dataclasses.replace(spec, affinity=4)
    assert ModelSpec.from_json(with_edges.to_json()) == with_edges
    with pytest.raises(ValueError, match=r"missing \['width'\]"):
        ModelSpec.from_json({k: v for k, v in spec.to_json().items() if k != "width"})
