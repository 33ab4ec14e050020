"""A line says which articles may come instead of it: SKUs as JSON, or nothing where any may."""

SQL = """
ALTER TABLE assignment_line ADD COLUMN substitutes TEXT NOT NULL DEFAULT '';
"""
