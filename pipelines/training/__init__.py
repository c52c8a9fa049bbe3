"""Settings of train, export and models; import of networks."""
