"""Turns a Keras model into a bundle, and a bundle into a Keras model."""
