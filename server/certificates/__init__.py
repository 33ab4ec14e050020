"""The installation's own certificate authority: HTTPS for store nodes whose names no public one signs."""
