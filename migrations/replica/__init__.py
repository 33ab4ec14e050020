"""Numbered steps of the store replica, run by the node at start, each in one transaction.

A step is a module `step_NNNN` with `SQL` (statements), or `change(db)` that is given a
sqlite-utils Database, or both, in that order. A released step is never edited.
"""
