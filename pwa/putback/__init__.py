"""Goods of a withdrawn, refused or expired order go back to the shelf; scanned, they can be sold again."""
