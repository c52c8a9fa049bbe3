"""`python -m pipelines.cli`: the same as `fcn`."""

from pipelines.cli.main import run

run()
