"""A network in int8 becomes part of a bundle; what it computes has a hash."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcn_core import libraries, scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.int8_form import INT8_FILES
from fcn_core.bundles.seal import verify
from fcn_core.int8 import network as network_module
from tests.drawn import tiny_int8
from tests.drawn.tiny_models import draw_photo


def read(bundle: Path, name: str = INT8_FILES[0]) -> Any:
    return libraries.import_openvino().Core().read_model(bundle / name)


def rename(network: Any) -> None:
    for number, operation in enumerate(network.get_ordered_ops()):
        operation.set_friendly_name(f"other_{number}")


def constant(network: Any) -> Any:
    return next(
        each
        for each in network.get_ordered_ops()
        if each.get_type_name() == "Constant" and len(each.shape) == 4
    )


def more_levels(network: Any) -> None:
    for each in network.get_ordered_ops():
        if each.get_type_name() == "FakeQuantize":
            each.set_levels(200)


def other_weight(network: Any) -> None:
    from openvino import opset13

    found = constant(network)
    changed = found.data.copy()
    changed.flat[0] += 1
    found.output(0).replace(opset13.constant(changed).output(0))


@pytest.fixture(scope="module")
def bundle(segmentation_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("int8") / "bundle"
    tiny_int8.add(segmentation_bundle, folder)
    return folder


def test_the_copy_has_both_forms_and_every_file(
    segmentation_bundle: Path, bundle: Path
) -> None:
    before, card = ModelCard.read(segmentation_bundle), ModelCard.read(bundle)
    verify(card, bundle)
    assert set(card.files) == {*before.files, *INT8_FILES}
    assert card.int8 is not None
    assert before.int8 is None
    without = card.model_copy(update={"int8": None, "files": before.files})
    assert without == before
    data = draw_photo()
    one, two = (
        scoring.PhotoScorer(
            [scoring.load_scorer(str(each), "openvino", "f32")]
        ).score_photo(data)
        for each in (segmentation_bundle, bundle)
    )
    assert one == two


def test_another_int8_form_replaces_the_first(bundle: Path, tmp_path: Path) -> None:
    (bundle / "notes.txt").write_text("nobody's")
    again = tiny_int8.add(bundle, tmp_path / "again", loss=0.1)
    assert again.int8 is not None
    assert again.int8.loss == pytest.approx(0.1)
    found = ModelCard.read(tmp_path / "again")
    assert found.files.keys() == ModelCard.read(bundle).files.keys()
    assert found.fingerprint_in("int8") == ModelCard.read(bundle).fingerprint_in("int8")


def test_the_digest_is_that_of_what_lies_in_the_bundle(bundle: Path) -> None:
    form = ModelCard.read(bundle).int8
    assert form is not None
    assert network_module.network_digest(read(bundle)) == form.network


@pytest.mark.parametrize(
    ("change", "same"),
    [(rename, True), (more_levels, False), (other_weight, False)],
)
def test_names_do_not_count_and_numbers_do(
    bundle: Path, change: Callable[[Any], None], same: bool
) -> None:
    network = read(bundle)
    before = network_module.network_digest(network)
    change(network)
    assert (network_module.network_digest(network) == before) is same


def test_what_an_operation_is_applied_to_counts(bundle: Path) -> None:
    network = read(bundle)
    before = network_module.network_digest(network)
    clipped = next(
        each for each in network.get_ordered_ops() if each.get_type_name() == "Relu"
    )
    clipped.output(0).replace(clipped.input(0).get_source_output())
    assert network_module.network_digest(network) != before


def test_it_is_computed_in_8_bits(bundle: Path) -> None:
    openvino = libraries.import_openvino()
    network = read(bundle)
    network.reshape([1, 128, 128, 3])
    compiled = openvino.Core().compile_model(network, "CPU")
    kinds = {
        str(each.get_rt_info()["runtimePrecision"].astype(str))
        for each in compiled.get_runtime_model().get_ordered_ops()
        if each.get_rt_info()["layerType"].astype(str) == "Convolution"
    }
    assert kinds <= {"u8", "i8"}, kinds
    assert kinds
