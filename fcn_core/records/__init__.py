"""A training example and a finished data set, on disk."""
