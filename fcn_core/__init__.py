"""Fully convolutional networks for photos: models, training, export and scoring.

Nothing is imported here, so that a worker which only scores loads neither Keras nor
TensorFlow. The rooms: `labels`, `images`, `geometry` (pixels); `records`, `datasets`,
`input_pipeline`, `augmentation` (data); `models`, `losses`, `metrics`, `recipes`,
`training`, `evaluation`, `export` (learning); `model_card`, `engines`, `class_maps`,
`scoring`, `render` (using). This package never imports Apache Beam.
"""

__version__ = "0.1.0"
