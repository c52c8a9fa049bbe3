"""Exact sums that add up in any order, and figures made of them."""
