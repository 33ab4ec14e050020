"""An offer says whether its shopper takes another article instead: '', ask or allowed."""

SQL = """
ALTER TABLE assignment ADD COLUMN substitution TEXT NOT NULL DEFAULT '';
"""
