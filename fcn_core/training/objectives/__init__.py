"""What training minimises, a task each."""
