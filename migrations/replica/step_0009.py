"""A line says what of its order it stands in for, where another article comes instead."""

SQL = """
ALTER TABLE assignment_line ADD COLUMN instead_of TEXT NOT NULL DEFAULT '';
"""
