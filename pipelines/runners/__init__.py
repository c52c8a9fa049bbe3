"""The only room that imports Beam."""
