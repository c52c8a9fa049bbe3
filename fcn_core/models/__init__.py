"""Networks in Keras; `spec` and `backbones.rows` describe them without it."""
