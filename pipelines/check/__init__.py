"""Damage to an output of `fcn score`: found, named, mended."""
