"""How fast GPUs compute the networks, and how many lanes keep one of them busy.

It runs from a plain copy of the repository with NumPy, Pillow, Keras, and JAX or
TensorFlow, and imports no other package by itself.
"""
