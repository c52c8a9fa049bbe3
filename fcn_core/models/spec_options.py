"""Which options go together in a `ModelSpec`, and the message where they do not."""

from typing import Any

PREPROCESSING_MODES = ("tf", "caffe", "torch", "unit", "rgb", "raw")

_FCN = ("fcn8s", "fcn16s", "fcn32s")
_UPSAMPLING = (*_FCN, "dilated")
_DEEPEST_ONLY = ("fcn32s", "dilated", "classifier", "baseline")


def check_options(spec: Any) -> None:
    """Refuses options that a network does not have.

    Args:
        spec: A `ModelSpec`, which is built on this module.

    Raises:
        ValueError: The message names the option and the networks that have it.
    """
    for option, fits, expected in _rules(spec):
        if not fits:
            raise ValueError(
                f"{option}: got {spec.name} on {spec.backbone}, expected {expected}"
            )


_Rule = tuple[str, bool, str]
"""Option, whether it fits, and what it fits."""


def _rules(spec: Any) -> tuple[_Rule, ...]:
    return (
        *_rules_of_upsampling(spec),
        *_rules_of_branches(spec, named=not spec.backbone_row.nested),
        (
            "preprocessing",
            spec.preprocessing in PREPROCESSING_MODES,
            f"one of the modes {', '.join(PREPROCESSING_MODES)}",
        ),
    )


def _rules_of_upsampling(spec: Any) -> tuple[_Rule, ...]:
    """Returns the rules of how a network comes to its scores."""
    vgg = spec.backbone_row.head == "convolutional"
    named = not spec.backbone_row.nested
    deconvolution = spec.name.startswith("deconvnet")
    upsampling = "a network that upsamples: fcn8s, fcn16s, fcn32s or dilated"
    return (
        (
            "backbone",
            named or spec.name in _DEEPEST_ONLY,
            f"one of {', '.join(_DEEPEST_ONLY)} on it: it names no finer strides",
        ),
        ("backbone", vgg or not deconvolution, "a VGG under a deconvnet"),
        (
            "geometry caffe",
            spec.geometry != "caffe" or (vgg and spec.name in _FCN),
            "fcn8s, fcn16s or fcn32s on a VGG",
        ),
        (
            "geometry valid",
            spec.geometry != "valid" or (vgg and spec.name == "classifier"),
            "a classifier on a VGG",
        ),
        (
            "upsampling",
            spec.upsampling == "bilinear" or spec.name in _UPSAMPLING,
            upsampling,
        ),
        ("full_size", not spec.full_size or spec.name in _UPSAMPLING, upsampling),
        ("skip_scales", not spec.skip_scales or spec.name in _FCN, "an FCN"),
    )


def _rules_of_branches(spec: Any, *, named: bool) -> tuple[_Rule, ...]:
    """Returns the rules of what reads finer features, or scores something else."""
    return (
        (
            "low_level",
            not spec.low_level or (named and spec.name == "classifier"),
            "a classifier on a backbone that names its strides",
        ),
        (
            "affinity",
            not spec.affinity
            or (
                named
                and spec.name in _UPSAMPLING
                and spec.geometry == "same"
                and spec.affinity > 0
            ),
            "0 or more hidden channels of fcn8s, fcn16s, fcn32s or dilated on a "
            "backbone that names its strides",
        ),
        (
            "rating_classes",
            not spec.rating_classes
            or (named and spec.name in _UPSAMPLING and spec.geometry == "same"),
            "fcn8s, fcn16s, fcn32s or dilated on a backbone that names its strides",
        ),
    )
