"""FCN-32s, FCN-16s and FCN-8s (Long, Shelhamer and Darrell, 2015, figure 3).

A coarse score map at the backbone's output stride is doubled step by step; at each
finer stride a 1x1 convolution of that stride's features is added. Those skips start at
zero, so a finer network starts exactly where the coarser one ended. Unless the spec
says `full_size` the logits stay at the finest stride: what needs pixels upsamples them
(losses, evaluation, scoring).
"""

from typing import Any

import keras
from keras import layers

from fcn_core.models.layers import CropAt, CropLike, Features
from fcn_core.models.networks.affinity import follow_edges
from fcn_core.models.networks.features import extract, photo_input
from fcn_core.models.networks.heads import score_head
from fcn_core.models.networks.ratings import RATING_WIDTH, rating_head
from fcn_core.models.networks.upsampling import enlarge
from fcn_core.models.spec import ModelSpec

SKIP_SCALES = {16: 0.01, 8: 0.0001}
"""Factors before the scores of pool4 and pool3 (FCN-8s at once in the release)."""

CAFFE_CROPS = {16: 5, 8: 9}
"""Where the doubled coarse map starts in a skip's map, by the skip's stride."""

CAFFE_FINAL_CROPS = {32: 19, 16: 27, 8: 31}
"""Where the photo starts in the upsampled map, by the stride before upsampling."""


def segmentation_network(spec: ModelSpec) -> keras.Model:
    """Builds the network of an FCN or dilated spec, untrained.

    Returns:
        RGB 0..255 float `[B, H, W, 3]`, any H and W >= 1, -> logits float
        `[B, ceil(H/s), ceil(W/s), classes]` at stride `s = spec.logits_stride`. With
        `rating_classes` a dict of these `logits` and `rating_logits`
        `[B, ceil(H/16), ceil(W/16), channels]`: one backbone for both tasks.
    """
    images = photo_input()
    features = extract(images, spec)
    outputs = scores(images, features, spec)
    if spec.rating_classes:
        ratings = rating_head(
            images,
            features,
            classes=spec.rating_classes,
            width=RATING_WIDTH,
            dropout=0.0,
            prefix="rating",
        )
        outputs = {"logits": outputs, "rating_logits": ratings}
    return keras.Model(images, outputs, name=f"{spec.name}_{spec.backbone}")


def scores(images: Any, features: Features, spec: ModelSpec) -> Any:
    """Returns class scores of features, with the skips and upsampling of a spec."""
    logits = score_head(features[spec.output_stride], spec)
    stride = spec.output_stride
    while stride > spec.score_stride:
        stride //= 2
        logits = add_skip(logits, features[stride], stride=stride, spec=spec)
    if spec.affinity:
        logits = follow_edges(logits, features[stride], width=spec.affinity)
    if not spec.full_size:
        return logits
    logits = enlarge(logits, stride, spec, name="upsample_final")
    if spec.geometry == "caffe":
        return CropAt(CAFFE_FINAL_CROPS[stride], name="crop_final")([logits, images])
    return CropLike(name="crop_final")([logits, images])


def add_skip(coarse: Any, features: Any, *, stride: int, spec: ModelSpec) -> Any:
    """Doubles the coarse logits and adds a zero-initialised score of finer features."""
    doubled = enlarge(coarse, 2, spec, name=f"upsample_stride{stride}")
    if spec.skip_scales and stride in SKIP_SCALES:
        features = layers.Rescaling(SKIP_SCALES[stride], name=f"scale_stride{stride}")(
            features
        )
    skip = layers.Conv2D(
        spec.classes, 1, kernel_initializer="zeros", name=f"skip_stride{stride}"
    )(features)
    if spec.geometry == "caffe":
        crop = CropAt(CAFFE_CROPS[stride], name=f"crop_stride{stride}")
        skip = crop([skip, doubled])
    else:
        doubled = CropLike(name=f"crop_stride{stride}")([doubled, skip])
    return layers.Add(name=f"fuse_stride{stride}")([doubled, skip])
