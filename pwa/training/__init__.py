"""Training: made-up orders on a record, an address and a session of their own. Nothing leaves it."""
