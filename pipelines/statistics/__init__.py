"""The statistics job: what a data set holds."""
