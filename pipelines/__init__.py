"""Apache Beam jobs around `fcn_core`: convert, score, look. See `cli` for commands.

Nothing is imported here, so that `fcn --help` and the lanes stay light.
"""
