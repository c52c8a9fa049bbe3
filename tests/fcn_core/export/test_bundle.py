import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images, scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import verify
from fcn_core.export import bundle as export_bundle
from tests.drawn import tiny_models
from tests.drawn.tiny_models import draw_card, draw_network, draw_photo, draw_pixels

tf = pytest.importorskip("tensorflow")


def load(bundle: Path) -> Any:
    return tf.saved_model.load(str(bundle))


def example(data: bytes) -> bytes:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
    features = tf.train.Features(feature={"image/encoded": feature})
    return tf.train.Example(features=features).SerializeToString()


def score(bundle: Path, photo: bytes) -> scoring.PhotoScore:
    scorer = scoring.load_scorer(str(bundle), "tensorflow", "f32")
    return scoring.PhotoScorer([scorer]).score_photo(photo)


def test_signatures_have_the_contracts_names_types_and_shapes(
    segmentation_bundle: Path, rating_bundle: Path
) -> None:
    expected = {
        "logits": {"logits": (tf.float32, 4)},
        "serving_default": {"class_map": (tf.uint8, 3), "class_pixels": (tf.int32, 2)},
    }
    decoded = expected["serving_default"] | {"sizes": (tf.int32, 2)}
    expected |= {"serving_bytes": decoded, "serving_tf_example": decoded}
    found = {
        name: {
            key: (spec.dtype, spec.shape.rank)
            for key, spec in signature.structured_outputs.items()
        }
        for name, signature in load(segmentation_bundle).signatures.items()
    }
    assert found == expected
    rating = load(rating_bundle).signatures["serving_default"].structured_outputs
    assert {key: spec.shape.rank for key, spec in rating.items()} == {
        "ratings": 2,
        "mean": 1,
        "std": 1,
    }


def test_logits_equal_the_models(tmp_path: Path) -> None:
    model = draw_network(seed=5)
    export_bundle.export(model, tmp_path / "bundle", draw_card())
    batch = draw_pixels(48, 64)[None]
    found = load(tmp_path / "bundle").signatures["logits"](images=tf.constant(batch))
    expected = model(batch.astype(np.float32), training=False)
    np.testing.assert_allclose(found["logits"], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["segmentation_bundle", "center_bundle"])
def test_serving_default_equals_the_scorer(
    name: str, request: pytest.FixtureRequest
) -> None:
    bundle = request.getfixturevalue(name)
    card = ModelCard.read(bundle)
    serve = load(bundle).signatures["serving_default"]
    sizes = [(75, 101), (128, 37)]
    batch = np.empty((2, 128, 128, 3), np.uint8)
    batch[:] = card.padding_value
    expected = []
    for row, (height, width) in enumerate(sizes):
        photo = draw_photo(height, width, seed=row, kind="PNG")
        batch[row, :height, :width] = images.decode(photo).pixels
        expected.append(score(bundle, photo))
    outputs = serve(images=tf.constant(batch), sizes=tf.constant(sizes, tf.int32))
    class_map = outputs["class_map"].numpy()
    for row, (height, width) in enumerate(sizes):
        mask = images.decode_mask(expected[row].mask_png or b"")
        assert (class_map[row, :height, :width] == mask).mean() >= 0.999
        assert (class_map[row, height:] == 255).all()
        assert (class_map[row, :, width:] == 255).all()
        counts = outputs["class_pixels"][row].numpy()
        inside = class_map[row, :height, :width].ravel()
        np.testing.assert_array_equal(counts, np.bincount(inside, minlength=5))


@pytest.mark.parametrize("alignment", ["corner", "center"])
def test_ratings_equal_the_scorers(tmp_path: Path, alignment: str) -> None:
    bundle = tmp_path / "bundle"
    tiny_models.write_bundle(bundle, "aesthetics", alignment=alignment)
    signatures = load(bundle).signatures
    photos = [
        draw_photo(75, 101, kind="PNG"),
        draw_photo(3, 128, kind="PNG"),
        draw_photo(128, 1, kind="PNG"),
    ]
    outputs = signatures["serving_bytes"](image_bytes=tf.constant(photos))
    for row, photo in enumerate(photos):
        expected = score(bundle, photo)
        assert expected.aesthetics_ratings is not None
        np.testing.assert_allclose(
            outputs["ratings"][row], expected.aesthetics_ratings, atol=1e-5
        )
        assert float(outputs["mean"][row]) == pytest.approx(
            expected.aesthetics_mean, abs=1e-4
        )
        assert float(outputs["std"][row]) == pytest.approx(
            expected.aesthetics_std, abs=1e-4
        )


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_encoded_signatures_see_the_scorers_pixels(
    segmentation_bundle: Path, kind: str
) -> None:
    signatures = load(segmentation_bundle).signatures
    photo = draw_photo(75, 131, kind=kind)
    mask = images.decode_mask(score(segmentation_bundle, photo).mask_png or b"")
    outputs = signatures["serving_bytes"](image_bytes=tf.constant([photo]))
    assert outputs["class_map"].shape == (1, 128, 256)
    assert outputs["sizes"].numpy().tolist() == [[75, 131]]
    assert (outputs["class_map"][0, :75, :131].numpy() == mask).mean() >= 0.999
    again = signatures["serving_tf_example"](examples=tf.constant([example(photo)]))
    np.testing.assert_array_equal(again["class_map"], outputs["class_map"])


def test_photos_of_several_sizes_share_a_batch(segmentation_bundle: Path) -> None:
    serve = load(segmentation_bundle).signatures["serving_bytes"]
    sizes = [(50, 70), (150, 30), (1, 1)]
    photos = [draw_photo(*size, seed=n) for n, size in enumerate(sizes)]
    outputs = serve(image_bytes=tf.constant(photos))
    assert outputs["class_map"].shape == (3, 256, 128)
    assert outputs["sizes"].numpy().tolist() == [list(size) for size in sizes]
    totals = outputs["class_pixels"].numpy().sum(-1)
    assert totals.tolist() == [height * width for height, width in sizes]


def test_grey_photos_become_rgb(segmentation_bundle: Path) -> None:
    serve = load(segmentation_bundle).signatures["serving_bytes"]
    grey = draw_pixels(40, 50)[..., 0]
    rgb = np.repeat(grey[..., None], 3, axis=-1)
    photos = [tiny_models.encode(pixels, "PNG") for pixels in (grey, rgb)]
    class_map = serve(image_bytes=tf.constant(photos))["class_map"].numpy()
    np.testing.assert_array_equal(class_map[0], class_map[1])


def test_loads_in_a_tf1_session_without_variables(segmentation_bundle: Path) -> None:
    photo = draw_photo(60, 80)
    eager = load(segmentation_bundle).signatures["serving_tf_example"](
        examples=tf.constant([example(photo)])
    )
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(
            session, ["serve"], str(segmentation_bundle)
        )
        signature = graph.signature_def["serving_tf_example"]
        outputs = session.run(
            {key: info.name for key, info in signature.outputs.items()},
            {signature.inputs["examples"].name: [example(photo)]},
        )
    np.testing.assert_array_equal(outputs["class_map"], eager["class_map"])


def test_weights_are_stored_once(tmp_path: Path) -> None:
    model = draw_network(width=96)
    weights = model.count_params() * 4
    export_bundle.export(model, tmp_path / "bundle", draw_card())
    size = (tmp_path / "bundle" / "saved_model.pb").stat().st_size
    assert weights < size < 1.4 * weights


def test_fingerprint_is_the_models_not_the_exports(
    segmentation_bundle: Path, tmp_path: Path
) -> None:
    first = ModelCard.read(segmentation_bundle)
    # Another network built before it shifts every automatic name.
    draw_network(seed=9)
    again = tiny_models.write_bundle(tmp_path / "again")
    assert again.fingerprint == first.fingerprint
    assert again.files["logits.bin"] == first.files["logits.bin"]
    other = tiny_models.write_bundle(tmp_path / "other", seed=4)
    assert other.network != first.network
    assert other.fingerprint != first.fingerprint


@pytest.mark.slow
def test_fingerprint_is_the_same_in_another_process(
    segmentation_bundle: Path, tmp_path: Path
) -> None:
    program = (
        "import pathlib, sys; from tests.drawn import tiny_models\n"
        "tiny_models.write_bundle(pathlib.Path(sys.argv[1]))"
    )
    root = Path(export_bundle.__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "bundle")],
        cwd=root,
        check=True,
        capture_output=True,
    )
    again = ModelCard.read(tmp_path / "bundle")
    assert again.fingerprint == ModelCard.read(segmentation_bundle).fingerprint


def test_card_is_complete(segmentation_bundle: Path) -> None:
    card = ModelCard.read(segmentation_bundle)
    verify(card, segmentation_bundle)
    assert {"saved_model.pb", "logits.xml", "logits.bin"} <= set(card.files)
    assert {"tensorflow", "keras", "openvino"} <= set(card.versions)


def test_without_openvino_the_bundle_has_no_ir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segmentation_bundle: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    card = tiny_models.write_bundle(tmp_path / "bundle")
    assert "logits.xml" not in card.files
    assert card.fingerprint == ModelCard.read(segmentation_bundle).fingerprint


def test_writes_all_or_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "bundle"
    with pytest.raises(ModelError, match=r"promises.*correct logits_stride"):
        tiny_models.write_bundle(folder, logits_stride=16)
    with pytest.raises(ModelError, match="promises"):
        tiny_models.write_bundle(folder, classes=["background", "cat"])
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("keep")
    with pytest.raises(ModelError, match="not empty"):
        tiny_models.write_bundle(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]
    (folder / "mine.txt").unlink()
    tiny_models.write_bundle(folder)
    assert (folder / "model_card.json").is_file()
