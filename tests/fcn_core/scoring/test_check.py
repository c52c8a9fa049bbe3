import shutil
from pathlib import Path
from typing import Any

import pytest

from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.operations import check_operations
from fcn_core.bundles.seal import seal
from fcn_core.scoring import check, engines
from tests.drawn.tiny_models import draw_card

tf = pytest.importorskip("tensorflow")


def levels(folder: Path) -> dict[str, str]:
    return {found.check: found.level for found in check.check(folder)}


@pytest.mark.parametrize(
    "name", ["segmentation_bundle", "center_bundle", "rating_bundle"]
)
def test_exported_models_pass(name: str, request: pytest.FixtureRequest) -> None:
    found = levels(request.getfixturevalue(name))
    assert set(found.values()) == {"ok"}
    assert {
        "card",
        "operations",
        "serving_default",
        "serving_bytes",
        "serving_tf_example",
        "openvino",
    } <= set(found)


def test_not_a_model(tmp_path: Path) -> None:
    (finding,) = check.check(tmp_path)
    assert finding.level == "error"
    assert "fcn export" in finding.detail


def test_wrong_alignment_in_the_card_is_found(
    segmentation_bundle: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(segmentation_bundle, copy)
    card = ModelCard.read(copy).model_copy(update={"alignment": "center"})
    seal(card, copy).write(copy)
    assert levels(copy)["serving_default"] == "error"


def test_weights_of_another_model_are_found(
    segmentation_bundle: Path, center_bundle: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(segmentation_bundle, copy)
    shutil.copy(center_bundle / "logits.bin", copy)
    assert levels(copy) == {"card": "error"}
    seal(ModelCard.read(copy), copy).write(copy)
    assert levels(copy)["openvino"] == "error"


def test_missing_ir_is_a_warning(segmentation_bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(segmentation_bundle, copy)
    (copy / engines.IR_NAME).unlink()
    seal(ModelCard.read(copy), copy).write(copy)
    found = levels(copy)
    assert found.pop("openvino") == "warning"
    assert set(found.values()) == {"ok"}


def save(folder: Path, body: Any, *, has_sizes: bool = True) -> None:
    """A stranger's SavedModel whose `serving_default` is the given function."""
    specs = [tf.TensorSpec([None, None, None, 3], tf.uint8, "images")]
    if has_sizes:
        specs.append(tf.TensorSpec([None, 2], tf.int32, "sizes"))
    function = tf.function(body, input_signature=specs)
    tf.saved_model.save(
        tf.Module(), str(folder), signatures={"serving_default": function}
    )
    seal(draw_card(), folder).write(folder)


def test_strangers_good_model_passes_with_a_warning(tmp_path: Path) -> None:
    def serve(images: Any, sizes: Any) -> dict[str, Any]:
        return {
            "class_map": images[..., 0] // 64,
            "class_pixels": tf.zeros([tf.shape(sizes)[0], 5], tf.int32),
        }

    save(tmp_path, serve)
    found = levels(tmp_path)
    assert found.pop("logits") == "warning"
    assert set(found.values()) == {"ok"}


def test_strangers_model_with_other_outputs_is_found(tmp_path: Path) -> None:
    def serve(images: Any, sizes: Any) -> dict[str, Any]:
        return {"class_map": tf.cast(images[..., 0], tf.int64)}

    save(tmp_path, serve)
    found = levels(tmp_path)
    assert found["serving_default class_map"] == "error"
    assert found["serving_default class_pixels"] == "error"


def test_strangers_model_with_other_inputs_is_a_finding(tmp_path: Path) -> None:
    save(tmp_path, lambda images: {"y": images}, has_sizes=False)
    assert levels(tmp_path)["network"] == "error"


def write_file(images: Any, sizes: Any) -> dict[str, Any]:
    tf.io.write_file("/tmp/never-written-by-a-test", "x")
    return {"class_map": images[..., 0]}


def read_file(images: Any, sizes: Any) -> dict[str, Any]:
    return {"class_map": images[..., 0], "secret": tf.io.read_file("/etc/hostname")}


def call_python(images: Any, sizes: Any) -> dict[str, Any]:
    return {"class_map": tf.numpy_function(lambda x: x, [images[..., 0]], tf.uint8)}


def save_inside_a_branch(images: Any, sizes: Any) -> dict[str, Any]:
    def hidden() -> Any:
        tf.raw_ops.SaveV2(
            prefix="/tmp/never", tensor_names=["x"], shape_and_slices=[""], tensors=[1]
        )
        return images[..., 0]

    return {"class_map": tf.cond(sizes[0, 0] > 1, hidden, lambda: images[..., 1])}


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        (write_file, "WriteFile"),
        (read_file, "ReadFile"),
        (call_python, "PyFunc"),
        (save_inside_a_branch, "SaveV2"),
    ],
)
def test_hostile_model_is_not_loaded(
    tmp_path: Path, body: Any, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, body)

    def loaded(*args: object) -> None:
        raise AssertionError("a hostile model was loaded")

    monkeypatch.setattr(tf.saved_model, "load", loaded)
    with pytest.raises(ModelError, match=operation):
        engines.TensorFlowEngine(tmp_path, precision="f32")
    found = check.check(tmp_path)[-1]
    assert found.level == "error"
    assert operation in found.detail


def test_own_exports_are_arithmetic_only(segmentation_bundle: Path) -> None:
    assert check_operations(segmentation_bundle) > 50
