"""A model against records, through the code that scores."""
