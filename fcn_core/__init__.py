"""Fully convolutional networks for photos: models, training, export and scoring.

Nothing is imported here, so that a worker which only scores loads neither Keras nor
TensorFlow. Each folder is a room whose `__init__` states its law; a room uses those
before it: images, records, metrics, datasets, bundles, scoring, rendering, models,
export, evaluation, recipes, training. This package never imports Apache Beam.
"""

__version__ = "0.1.0"
