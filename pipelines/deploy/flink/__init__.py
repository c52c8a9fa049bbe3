"""Flink on one machine, to try jobs on: its jars, its processes, one script."""
