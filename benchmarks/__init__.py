"""Timings to run by hand: pairs in one run, reported as ratios; see README.md."""
