"""Goods that came back: into a hold, graded, and flagged where more came back than was sold."""
