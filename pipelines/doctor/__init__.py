"""Are this machine, its packages and the named places fit? A line each, in seconds."""
