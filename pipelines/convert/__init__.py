"""The conversion job: a data set becomes TFRecords."""
