"""Numbered steps of the store replica, run by the node at start, each in one transaction."""
