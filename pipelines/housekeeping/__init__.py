"""Keeping house in an output of `fcn score`: what may go by rule, and what is left."""
