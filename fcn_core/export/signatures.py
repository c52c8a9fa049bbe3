"""The signatures of an exported model, as TensorFlow graphs around one frozen function.

`logits` is what the project's own scorer runs. The others are for everybody else:
`serving_default` upsamples, takes the argmax and counts in the graph, and
`serving_bytes` (TF Serving, Vertex AI) and `serving_tf_example` (TFX) decode first.
"""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from fcn_core.bundles.card import ModelCard
from fcn_core.geometry import Alignment
from fcn_core.labels import VOID
from fcn_core.records.record import ImageRecord, keys
from fcn_core.scoring.engines import OUTPUT_NAMES
from fcn_core.scoring.scorers import side_multiple

Tensors = dict[str, tf.Tensor]
"""What a signature returns, by name."""

_IMAGES = tf.TensorSpec([None, None, None, 3], tf.uint8, "images")
_SIZES = tf.TensorSpec([None, 2], tf.int32, "sizes")
_PHOTO_KEY = keys(ImageRecord)["encoded"]


def signatures(frozen: Any, card: ModelCard) -> dict[str, Callable[..., Tensors]]:
    """Returns the tf.function of each signature.

    `logits`: images uint8 `[B, H, W, 3]` RGB, sides multiples of the card's ->
    `logits` float32 `[B, H/s, W/s, C]`, and `rating_logits` where a segmentation rates
    as well; the other signatures then return the values of both tasks.

    `serving_default`: images as above, padded at the right and bottom, and sizes int32
    `[B, 2]`, valid height and width. Segmentation returns `class_map` uint8
    `[B, H, W]`, 255 on the padding, and `class_pixels` int32 `[B, C]` of the valid
    part; aesthetics `ratings` float32 `[B, R]` that sum to 1, `mean` and `std`
    float32 `[B]`.

    `serving_bytes`: image_bytes string `[B]`, JPEG or PNG of any sizes -> the same,
    and `sizes` int32 `[B, 2]`. A photo alone in its batch is padded as `fcn score`
    pads it. EXIF orientation and the working size are the caller's business.

    `serving_tf_example`: examples string `[B]`, serialised tf.train.Example with
    `image/encoded` -> the same.

    Args:
        frozen: Concrete function, images -> logits.
        card: Task, geometry and padding.
    """

    def run(images: Any) -> list[Any]:
        return tf.nest.flatten(frozen(images))

    @tf.function(input_signature=[_IMAGES], autograph=False)
    def logits(images: Any) -> Tensors:
        names = OUTPUT_NAMES[: len(card.parts)]
        return dict(zip(names, run(images), strict=True))

    @tf.function(input_signature=[_IMAGES, _SIZES], autograph=False)
    def serving_default(images: Any, sizes: Any) -> Tensors:
        values: Tensors = {}
        for part, computed in zip(card.parts, run(images), strict=True):
            finish = segment if part.task == "segmentation" else rate
            values |= finish(computed, sizes, card=part)
        return values

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")],
        autograph=False,
    )
    def serving_bytes(image_bytes: Any) -> Tensors:
        images, sizes = decode_batch(image_bytes, card=card)
        return {**serving_default(images, sizes), "sizes": sizes}

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, "examples")],
        autograph=False,
    )
    def serving_tf_example(examples: Any) -> Tensors:
        features = tf.io.parse_example(
            examples, {_PHOTO_KEY: tf.io.FixedLenFeature([], tf.string)}
        )
        return serving_bytes(features[_PHOTO_KEY])

    return {
        "logits": logits,
        "serving_default": serving_default,
        "serving_bytes": serving_bytes,
        "serving_tf_example": serving_tf_example,
    }


def upsample(logits: Any, *, stride: int, alignment: Alignment) -> Any:
    """Enlarges `[B, h, w, C]` to `[B, h*s, w*s, C]`; past the last logit it repeats.

    `corner`: pixel p reads the logits at p / s; `center`: at (p + 0.5) / s - 0.5.
    """
    shape = tf.shape(logits)
    height, width = shape[1], shape[2]
    if alignment == "center":
        return tf.image.resize(logits, [height * stride, width * stride], "bilinear")
    # Only the old operator aligns corners: n + 1 logits lie on s * n + 1 pixels.
    repeated = tf.pad(logits, [[0, 0], [0, 1], [0, 1], [0, 0]], mode="SYMMETRIC")
    size = [height * stride + 1, width * stride + 1]
    resized = tf.raw_ops.ResizeBilinear(images=repeated, size=size, align_corners=True)
    return resized[:, :-1, :-1]


def segment(logits: Any, sizes: Any, *, card: ModelCard) -> Tensors:
    """Returns class maps uint8 `[B, H, W]` (padding VOID), pixels int32 `[B, C]`."""
    dense = upsample(logits, stride=card.logits_stride, alignment=card.alignment)
    classes = tf.argmax(dense, axis=-1, output_type=tf.int32)
    shape = tf.shape(classes)
    inside = _inside(sizes, shape[1], shape[2])
    # One more bin takes the padding; a one-hot count would need C floats a pixel.
    count = card.num_classes
    binned = tf.reshape(tf.where(inside, classes, count), [shape[0], -1])
    pixels = tf.math.bincount(
        binned, minlength=count + 1, maxlength=count + 1, axis=-1, dtype=tf.int32
    )
    return {
        "class_map": tf.cast(tf.where(inside, classes, VOID), tf.uint8),
        "class_pixels": pixels[:, :count],
    }


def rate(logits: Any, sizes: Any, *, card: ModelCard) -> Tensors:
    """Returns ratings, pooled from the logits `[B, h, w, R]` of cells on the photo."""
    stride = card.logits_stride
    if card.alignment == "corner":
        cells = -(-sizes // stride)
    else:
        cells = tf.maximum(1, -(-(2 * sizes - (stride - 1)) // (2 * stride)))
    shape = tf.shape(logits)
    inside = _inside(cells, shape[1], shape[2])[..., None]
    if card.pooling == "max":
        pooled = tf.reduce_max(tf.where(inside, logits, -math.inf), axis=[1, 2])
    else:
        total = tf.reduce_sum(tf.where(inside, logits, 0.0), axis=[1, 2])
        pooled = total / tf.cast(
            tf.reduce_prod(cells, axis=-1, keepdims=True), tf.float32
        )
    ratings = tf.nn.softmax(pooled)
    bins = tf.constant(card.rating_bins, tf.float32)
    mean = tf.reduce_sum(ratings * bins, axis=-1)
    variance = tf.reduce_sum(ratings * (bins - mean[:, None]) ** 2, axis=-1)
    return {"ratings": ratings, "mean": mean, "std": tf.sqrt(variance)}


def _inside(sizes: Any, height: Any, width: Any) -> Any:
    """Returns bool `[B, height, width]`: what is inside the sizes int32 `[B, 2]`."""
    rows = tf.range(height)[None, :, None] < sizes[:, 0, None, None]
    columns = tf.range(width)[None, None, :] < sizes[:, 1, None, None]
    return rows & columns


def _sample(image: Any, pixels: int, multiple: int) -> Any:
    """Samples uint8 `[h, w, 3]` as `geometry.with_area` and `images.sample` do.

    Where two pixels are equally near, it may take the other one.
    """
    size = tf.cast(tf.shape(image)[:2], tf.int64)
    squares = tf.cast(4 * pixels // multiple**2 * size // size[::-1], tf.float64)
    halves = tf.cast(tf.floor(tf.sqrt(squares)), tf.int64)
    sides = tf.maximum((halves + 1) // 2, 1) * multiple
    rows, columns = (
        (2 * tf.range(sides[axis]) + 1) * size[axis] // (2 * sides[axis])
        for axis in (0, 1)
    )
    return tf.gather(tf.gather(image, rows), columns, axis=1)


def decode_batch(encoded: Any, *, card: ModelCard) -> tuple[Any, Any]:
    """Decodes JPEG or PNG strings `[B]` to uint8 `[B, H, W, 3]`, sizes int32 `[B, 2]`.

    H and W are the largest of the batch, rounded up as the scorer rounds them.
    """
    multiple = side_multiple(card)
    least = -(-card.minimum_side // multiple) * multiple

    def decode(data: Any) -> tuple[Any, Any]:
        # `decode_jpeg` reads PNG too, and it alone lets the exact DCT be chosen,
        # which gives libjpeg-turbo's own pixels.
        image = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
        if card.nearest_pixels is not None:
            image = _sample(image, card.nearest_pixels, card.size_multiple)
        # Ragged rows let images of several sizes share a batch until they are padded.
        return tf.RaggedTensor.from_tensor(image), tf.shape(image)[:2]

    ragged, sizes = tf.map_fn(
        decode,
        encoded,
        fn_output_signature=(
            tf.RaggedTensorSpec([None, None, 3], tf.uint8, ragged_rank=1),
            tf.TensorSpec([2], tf.int32),
        ),
    )
    largest = tf.reduce_max(sizes, axis=0)
    padded = tf.maximum(-(-largest // multiple) * multiple, least)
    images = ragged.to_tensor(
        default_value=tf.constant(card.padding_value, tf.uint8),
        shape=tf.cast(tf.stack([-1, padded[0], padded[1], 3]), tf.int64),
    )
    images.set_shape([None, None, None, 3])
    return images, sizes
