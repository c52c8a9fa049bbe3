"""What every job is, without Beam and without pixels."""
