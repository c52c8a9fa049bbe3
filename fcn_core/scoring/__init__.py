"""Pixels -> logits -> a photo's score: everything that others need of this room."""

from fcn_core.bundles.find import built_in_names, find_bundle
from fcn_core.scoring.photo import PhotoScore, PhotoScorer, row_fingerprint
from fcn_core.scoring.rate_views import rate_views
from fcn_core.scoring.scorers import SIDE_ROUNDING, Outputs, Scorer, load_scorer

__all__ = [
    "SIDE_ROUNDING",
    "Outputs",
    "PhotoScore",
    "PhotoScorer",
    "Scorer",
    "built_in_names",
    "find_bundle",
    "load_scorer",
    "rate_views",
    "row_fingerprint",
]
