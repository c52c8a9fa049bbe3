"""A recipe on a data set becomes a run, and a run a bundle."""
