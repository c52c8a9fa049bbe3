"""Timings to run yourself: pairs in one run, reported as ratios; see README.md."""
