"""The evaluation job: figures of a model on a data set."""
