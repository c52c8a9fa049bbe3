"""The scoring job: a night of photos."""
