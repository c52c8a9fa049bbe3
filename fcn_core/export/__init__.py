"""A Keras model becomes a bundle, and a bundle a Keras model."""
