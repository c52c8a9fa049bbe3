"""Timings by hand: pairs in one run, told as ratios. See README.md beside this file."""
