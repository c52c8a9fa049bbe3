"""Two nights of an output compared: what the same photos got, and what is new."""
