"""Goods come back over the counter: into a hold, graded, and then where they belong."""
