"""Files for schedulers that run `fcn nightly` every night: written, never installed."""
